const POLL_MS = 1_000

/**
 * Calls `onExit` once the npm process that started this one has ended. npm forwards signals, but a killed npm forwards
 * nothing: only the parent id of this process changes.
 *
 * Does nothing without npm: a supervisor in the background of a shell keeps running when the shell closes.
 */
export function watchParent(onExit: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onExit()
  }, POLL_MS)
  timer.unref()
}
