import { connection, isPaused } from './state.ts'

/** The server sends something at least every 10 s. After this long without a message, the connection is lost. */
const SILENCE_MS_MAX = 15_000
const CHECK_MS = 1_000

let lastMs = performance.now()

/** Records a message of the server. */
export function heard(): void {
  lastMs = performance.now()
}

/** Notices when the server sends nothing more, although the connection is open, and then calls `reconnect`. */
export function watchSilence(reconnect: () => void): void {
  setInterval(() => {
    if (isPaused.peek() || connection.peek() !== 'live') {
      heard()
      return
    }
    if (performance.now() - lastMs < SILENCE_MS_MAX) return
    connection.value = 'lost'
    reconnect()
  }, CHECK_MS)
}
