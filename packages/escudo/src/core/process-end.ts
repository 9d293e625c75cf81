// Node emits `beforeExit` when nothing keeps a process alive, and emits it again after whatever its listeners have begun. A
// timer that outlives a call by some milliseconds would therefore keep a process alive without end if such a listener
// makes calls: it would be called again and again.

const ENDING: unique symbol = Symbol.for('escudo.isEnding')

interface Process {
  /**
   * Shared by all installed copies, also those of other contexts of `node:vm`: the process has one listener, however often
   * the library is loaded.
   */
  [ENDING]?: boolean
  prependOnceListener?(event: 'beforeExit', listener: () => void): void
}

const host: Process = (globalThis as { readonly process?: Process }).process ?? {}

/**
 * Whether the process is about to end, or was: one that goes on is not asked again. The first call begins to listen, so
 * that the import of the library leaves nothing behind.
 */
export function isEnding(): boolean {
  if (host[ENDING] === undefined) {
    host[ENDING] = false
    // Before the listeners of the program, because they may make calls.
    host.prependOnceListener?.('beforeExit', () => {
      host[ENDING] = true
    })
  }
  return host[ENDING]
}
