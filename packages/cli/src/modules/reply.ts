/** What the process sends to its parent. A module can send messages too, such as `ready` for a process manager. */
export interface Message<Read> {
  readonly escudo: Reply<Read>
}

/** How the reading ended. */
export type Reply<Read> = { readonly ok: true; readonly read: Read } | { readonly ok: false; readonly problem: string }

const STACK_LINES_MAX = 5

/** Reads what the argument of this process names, and sends the result to the parent. */
export async function reply<ToRead, Read>(read: (toRead: ToRead) => Promise<Read>): Promise<void> {
  const answer = await read(JSON.parse(process.argv[2] ?? '') as ToRead).then(
    (read): Reply<Read> => ({ ok: true, read }),
    (error: unknown): Reply<Read> => ({ ok: false, problem: problemOf(error) }),
  )
  // The parent ends this process after the reply: the modules may have left timers and sockets open. If the parent is
  // gone, this process ends too.
  process.once('disconnect', () => process.exit())
  process.channel?.ref()
  process.send?.({ escudo: answer } satisfies Message<Read>)
}

function problemOf(error: unknown): string {
  const { code, message, stack } = error as { code?: string; message?: string; stack?: string }
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return `${message}. Node ${process.versions.node} does not run TypeScript: use Node 22.18 or later, or name the compiled JavaScript file`
  }
  if (code === 'MODULE_NOT_FOUND' && /'escudo\/(telemetry|openapi|errors)'/.test(message ?? '')) {
    return "the package 'escudo' is not installed there: run npm install escudo in the folder of the service"
  }
  return stack?.split('\n').slice(0, STACK_LINES_MAX).join('\n') ?? String(error)
}
