/** The last instant of a `Date`, ECMA-262. */
const DATE_MS_MAX = 8.64e15

// Many lines fall into one millisecond, and more into one second.
let lastMs = Number.NaN
let lastText = ''
let secondMs = Number.NaN
let secondText = ''

/** The present as JSON: `"2026-11-28T09:00:00.000Z"`. */
export function timestamp(): string {
  const nowMs = Math.trunc(Date.now())
  if (nowMs === lastMs) return lastText
  if (!(nowMs >= secondMs && nowMs < secondMs + 1_000)) {
    // A clock that a test replaced can return anything.
    if (!(Math.abs(nowMs) <= DATE_MS_MAX)) return '"1970-01-01T00:00:00.000Z"'
    secondMs = Math.floor(nowMs / 1_000) * 1_000
    secondText = new Date(secondMs).toISOString().slice(0, -4)
  }
  lastMs = nowMs
  lastText = `"${secondText}${String(nowMs - secondMs).padStart(3, '0')}Z"`
  return lastText
}
