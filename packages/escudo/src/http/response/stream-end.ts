import { builtinModule } from '../../core/builtin-module.ts'

type Finished = (stream: ReadableStream, onEnd: (error?: unknown) => void) => void

/**
 * Calls `onEnd` when a stream has ended, also if other code has its reader: with the error of a stream that failed.
 *
 * Only Node can tell. On another runtime the stream counts as ended at once.
 */
export function onStreamEnd(stream: ReadableStream, onEnd: (error?: unknown) => void): void {
  const streams = builtinModule<{ finished: Finished }>('node:stream')
  if (streams === undefined) onEnd()
  else streams.finished(stream, onEnd)
}
