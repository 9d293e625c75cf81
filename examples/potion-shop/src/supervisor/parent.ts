const LOOK_EVERY_MS = 1_000

/**
 * Calls `gone` once the process that started this one has ended. npm hands on the signals that it gets, but one that is
 * killed hands on nothing: its end shows only in that this process has another parent.
 *
 * Does nothing for a supervisor that was not started by npm: who starts it in the background of a shell may close the
 * shell.
 */
export function watchParent(gone: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, LOOK_EVERY_MS)
  timer.unref()
}
