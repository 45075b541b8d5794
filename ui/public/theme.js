// Runs before the first paint. shared/theme.ts keeps the choice under the same key.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('eparch.theme')
  } catch {
    // Storage is blocked: the system's theme it is.
  }
  var isDark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
})()
