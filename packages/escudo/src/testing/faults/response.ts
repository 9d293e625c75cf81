import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { corrupted, firstHalf } from './bytes.ts'
import type { FaultEngine } from './engine.ts'
import type { Fault } from './plan.ts'

type WriteArguments = [chunk?: unknown, encoding?: unknown, callback?: unknown]

/**
 * Breaks the body that a handler is going to send.
 *
 * Replaces the `write` and `end` methods of the response, so it works with every framework that calls them. A response
 * without a body (HEAD, 204) stays unchanged.
 */
export function breakBody(
  engine: FaultEngine,
  request: IncomingMessage,
  response: ServerResponse,
  kind: NonNullable<Fault['body']>,
): void {
  if (request.method === 'HEAD') return
  const patch = kind === 'corrupt' ? corruptBody(response) : interruptBody(engine, request, response, kind)
  Object.defineProperties(response, {
    write: { value: patch.write, configurable: true, writable: true },
    end: { value: patch.end, configurable: true, writable: true },
  })
}

interface Patch {
  write(...args: WriteArguments): boolean
  end(...args: WriteArguments): ServerResponse
}

function corruptBody(response: ServerResponse): Patch {
  const { write, end } = originalMethods(response)
  let intact = true
  const corruptFirst = (args: WriteArguments): WriteArguments => {
    const bytes = bytesOf(args)
    if (!intact || bytes === undefined || bytes.length === 0) return args
    intact = false
    return [corrupted(bytes), undefined, callbackOf(args)]
  }
  return { write: (...args) => write(corruptFirst(args)), end: (...args) => end(corruptFirst(args)) }
}

/** Sends half of the first non-empty chunk. Then `truncated` closes the connection, and `stall` sends nothing more. */
function interruptBody(
  engine: FaultEngine,
  request: IncomingMessage,
  response: ServerResponse,
  kind: 'truncated' | 'stall',
): Patch {
  const { write, end } = originalMethods(response)
  let interrupted = false
  const sendHalf = (bytes: Uint8Array): void => {
    interrupted = true
    const half = firstHalf(bytes)
    const sent = (): void => {
      if (kind === 'truncated') closeAfterFlush(request.socket)
    }
    if (half.length > 0) write([half, undefined, sent])
    else {
      response.flushHeaders()
      afterEarlierResponses(response, sent)
    }
    if (kind === 'truncated') return
    const untrack = engine.track(() => request.socket.destroy(), stoppedCheck(request))
    response.once('close', untrack)
  }
  return {
    write: (...args) => {
      // The rest is discarded, so that a piped stream can reach its end.
      if (interrupted) return true
      const bytes = bytesOf(args)
      if (bytes === undefined || bytes.length === 0) return write(args)
      sendHalf(bytes)
      return true
    },
    end: (...args) => {
      if (interrupted) return response
      const bytes = bytesOf(args)
      if (bytes === undefined || bytes.length === 0) return end(args)
      // The whole body is known here, so Node would have sent its length.
      if (!response.headersSent && !response.hasHeader('content-length') && !response.hasHeader('transfer-encoding')) {
        response.setHeader('content-length', bytes.length)
      }
      sendHalf(bytes)
      return response
    },
  }
}

/** Calls back once the responses to earlier requests on the same connection are sent. */
export function afterEarlierResponses(response: ServerResponse, callback: () => void): void {
  if (response.socket === null) response.once('socket', callback)
  else callback()
}

/** Returns a check for whether the server of a request is closing. A stalled connection would keep it open. */
export function stoppedCheck(request: IncomingMessage): () => boolean {
  const { server } = request.socket as Socket & { server?: { readonly listening?: boolean } }
  return () => server?.listening === false
}

function closeAfterFlush(socket: Socket): void {
  // The sockets of some tests, which use no network, lack it.
  if (typeof socket.destroySoon === 'function') socket.destroySoon()
  else socket.destroy()
}

/** The methods of the response before it is patched, bound to it. */
function originalMethods(response: ServerResponse): {
  write(args: WriteArguments): boolean
  end(args: WriteArguments): ServerResponse
} {
  const { write, end } = response as unknown as Patch
  return { write: (args) => write.apply(response, args), end: (args) => end.apply(response, args) }
}

function bytesOf([chunk, encoding]: WriteArguments): Uint8Array | undefined {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  }
  return chunk instanceof Uint8Array ? chunk : undefined
}

function callbackOf(args: WriteArguments): unknown {
  return args.find((argument) => typeof argument === 'function')
}
