import { access, constants } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ChildSpec } from './child.ts'

const PROGRAM = 'redis-server'
const ANSWER_MS_MAX = 1_000

/**
 * Runs the program until it ends, or until the standard input closes. It closes when the supervisor ends too, however
 * that happens, so Redis never outlives it.
 */
const UNTIL_INPUT_CLOSES =
  'exec 3<&0; "$@" 3<&- & program=$!; { read -r _ <&3; kill $program; } & wait $program; code=$?; kill $! 2>&-; exit $code'

/** The process of a Redis that stores nothing on disk; undefined where it is not installed. */
export async function redisProcess(
  port: number,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ChildSpec | undefined> {
  const program = await onPath(environment['PATH'] ?? '')
  if (program === undefined) return undefined
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', tmpdir()]
  return {
    name: 'redis',
    command: 'sh',
    args: ['-c', UNTIL_INPUT_CLOSES, 'sh', program, ...options],
    env: {},
    port,
    // A service that loses Redis while it stops would log that it is lost.
    stopsLast: true,
    url: `redis://localhost:${port}`,
    isReady: answersPing,
  }
}

async function onPath(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue
    const program = join(folder, PROGRAM)
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return program
  }
  return undefined
}

/** Whether a Redis answers at a port of this machine. */
function answersPing(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', signal })
    const end = (isReady: boolean): void => {
      socket.destroy()
      resolve(isReady)
    }
    socket.setTimeout(ANSWER_MS_MAX, () => end(false))
    socket.on('error', () => end(false))
    socket.on('data', (answer) => end(answer.toString().startsWith('+PONG')))
    socket.on('connect', () => socket.write('PING\r\n'))
  })
}
