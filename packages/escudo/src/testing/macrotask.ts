import { builtinModule } from '../core/builtin-module.ts'
import { isFakeFunction } from '../core/system-time.ts'

interface Port {
  onmessage: unknown
  postMessage(message: unknown): void
  close(): void
}

/** Resolves after all pending microtasks have run. Fake timers do not affect it. */
export function drain(): Promise<void> {
  return new Promise((resume) => macrotask(resume))
}

// Captured at import, so that fake timers installed later do not affect it. If they were installed earlier, a message
// channel takes its place: no tool for tests replaces that.
const { setImmediate, MessageChannel } = globalThis
const macrotask: (resume: () => void) => void =
  typeof setImmediate === 'function' && !isFakeFunction(setImmediate) ? setImmediate : afterMessage

function afterMessage(resume: () => void): void {
  const { port1, port2 } = new (channelClass())() as { port1: Port; port2: Port }
  port1.onmessage = () => {
    // An open port keeps the process alive.
    port1.close()
    resume()
  }
  port2.postMessage(undefined)
}

function channelClass(): new () => unknown {
  // jsdom hides it.
  return MessageChannel ?? builtinModule<typeof globalThis>('node:worker_threads')?.MessageChannel
}
