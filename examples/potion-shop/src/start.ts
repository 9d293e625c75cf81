// `npm start`: starts and supervises the shop, its three dependencies and the dashboard.
import { mkdir } from 'node:fs/promises'
import { main } from './process/main.ts'
import { MisuseError } from './process/misuse.ts'
import { Group } from './supervisor/group.ts'
import { menu } from './supervisor/menu.ts'
import { watchParent } from './supervisor/parent.ts'
import { checkPorts, freePort } from './supervisor/ports.ts'
import { processes, type StartValues, startSettings, wantedPorts } from './supervisor/processes.ts'
import { redisProcess } from './supervisor/redis.ts'

/** Redis takes the first free port from here on. */
const REDIS_PORT_MIN = 16_379

const NO_REDIS =
  'redis-server is not installed: each instance acts alone. Install it (apt-get install redis-server), or name one with --redis-port'

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

// npm forwards Ctrl-C, and people press it twice: every signal waits for the same stop.
let group: Group | undefined
let stopping: Promise<void> | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
watchParent(stop)

function stop(): void {
  if (stopping !== undefined) return
  if (group !== undefined) print('stopping…')
  stopping = group?.stop() ?? Promise.resolve()
  void stopping.then(() => process.exit(0))
}

await main('potion-shop', 'npm start --', startSettings, async (values) => {
  await checkPorts(wantedPorts(values))
  await mkdir(values.logDir, { recursive: true }).catch((error: Error) => {
    throw new MisuseError(`the log folder cannot be made (${error.message}); set ESCUDO_LOG_DIR to move it`)
  })
  if (stopping === undefined) await supervise(values)
})

async function supervise(values: StartValues): Promise<void> {
  const redis =
    values.instances > 1 && values.redisPort === undefined
      ? await redisProcess(await freePort(REDIS_PORT_MIN))
      : undefined
  const specs = await processes({ ...values, redisPort: redis?.port ?? values.redisPort })
  if (stopping !== undefined) return
  group = new Group(redis === undefined ? specs : [redis, ...specs], print)
  if (values.instances > 1 && redis === undefined && values.redisPort === undefined) print(NO_REDIS)
  print('starting the shop, its dependencies and the dashboard…')
  try {
    await group.start()
  } catch (error) {
    if (stopping !== undefined) return
    stopping = group.stop()
    await stopping
    throw error
  }
  if (stopping === undefined) print(menu(group.addresses, values))
}
