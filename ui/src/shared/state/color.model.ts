/**
 * Colours of the server's table, made fit for a theme: the hue stays, lightness moves until the colour stands out from
 * the surface by 3:1 (WCAG 1.4.11), and what is glaring is calmed.
 *
 * Source of the conversions: B. Ottosson, "A perceptual color space for image processing", 2020.
 */

export type Theme = 'light' | 'dark'

const SURFACES: Record<Theme, string> = { light: '#fffefc', dark: '#1a171d' }
const CHROMA_MAX: Record<Theme, number> = { light: 0.175, dark: 0.15 }
const CONTRAST_MIN = 3.05

/** The colour `hex` as it is drawn in a theme. */
export function fitted(hex: string, theme: Theme): string {
  const { l, c, h } = toLch(hex)
  const chroma = Math.min(c, CHROMA_MAX[theme])
  const step = theme === 'light' ? -0.01 : 0.01
  // Very dark or very bright colours are brought into the range in which hues can be told apart.
  let lightness = theme === 'light' ? Math.min(l, 0.78) : Math.max(l, 0.6)
  let made = toHex(lightness, chroma, h)
  while (contrast(made, SURFACES[theme]) < CONTRAST_MIN && lightness > 0.05 && lightness < 0.97) {
    lightness += step
    made = toHex(lightness, chroma, h)
  }
  return made
}

/** The contrast of two colours, from 1 to 21, as WCAG defines it. */
export function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

function luminance(hex: string): number {
  const [r, g, b] = linear(hex)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function linear(hex: string): [number, number, number] {
  const part = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [part(1), part(3), part(5)]
}

function toLch(hex: string): { l: number; c: number; h: number } {
  const [r, g, b] = linear(hex)
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  const a = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s
  const d = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s
  return { l: 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, c: Math.hypot(a, d), h: Math.atan2(d, a) }
}

function toHex(lightness: number, chroma: number, hue: number): string {
  const a = chroma * Math.cos(hue)
  const d = chroma * Math.sin(hue)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * d) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * d) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * d) ** 3
  const parts = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ]
  return '#' + parts.map(channel).join('')
}

function channel(value: number): string {
  const bounded = Math.min(1, Math.max(0, value))
  const encoded = bounded <= 0.0031308 ? bounded * 12.92 : 1.055 * bounded ** (1 / 2.4) - 0.055
  return Math.round(encoded * 255)
    .toString(16)
    .padStart(2, '0')
}
