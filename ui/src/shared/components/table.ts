/** What a DataTable is told about a column. */
export interface Column<Key extends string = string> {
  key: Key
  name: string
  /** A CSS width; the rest is shared by the columns without one. */
  width?: string
  align?: 'right'
  /** Left out where the window is narrower: `s` is a phone, `m` a tablet, `l` a small laptop. */
  hide?: 's' | 'm' | 'l'
  /** Whether rows can be put in the order of this column. */
  isSortable?: boolean
  /** For columns that hold only a sign or a button: the name is read, not shown. */
  isNameHidden?: boolean
}

/** Up to which width some head to sort by is left out, as `hide` says it; null where all are always there. */
export function sortsHidden(columns: readonly Column[]): Column['hide'] | null {
  const hidden = columns.filter(({ isSortable }) => isSortable).map(({ hide }) => hide)
  return (['l', 'm', 's'] as const).find((width) => hidden.includes(width)) ?? null
}

export interface Sort {
  key: string
  isDown: boolean
}
