// `npm start`: the shop, its three dependencies and the dashboard as processes of their own, watched over by this one.
import { mkdir } from 'node:fs/promises'
import { MisuseError, main } from './process/misuse.ts'
import { helpText, readSettings } from './process/settings.ts'
import { Group } from './supervisor/group.ts'
import { menu } from './supervisor/menu.ts'
import { watchParent } from './supervisor/parent.ts'
import { checkPorts } from './supervisor/ports.ts'
import { processes, type StartValues, startSettings, wantedPorts } from './supervisor/processes.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

// From the first moment on a signal means: stop what runs and go. npm hands on a second Ctrl-C, and people press it
// again: both wait for the same stop.
let group: Group | undefined
let stopping: Promise<void> | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
watchParent(stop)

function stop(): void {
  if (stopping !== undefined) return
  if (group !== undefined) say('stopping…')
  stopping = group?.stop() ?? Promise.resolve()
  void stopping.then(() => process.exit(0))
}

await main('potion-shop', async () => {
  const values = readSettings(startSettings)
  if (values === 'help') return say(helpText('Usage: npm start -- [flags]', startSettings))
  await checkPorts(wantedPorts(values))
  await mkdir(values.logDir, { recursive: true }).catch((error: Error) => {
    throw new MisuseError(`the log folder cannot be made (${error.message}); set ESCUDO_LOG_DIR to move it`)
  })
  if (stopping === undefined) await supervise(values)
})

async function supervise(values: StartValues): Promise<void> {
  group = new Group(processes(values), say)
  say('starting the shop, its dependencies and the dashboard…')
  const outcome = await group.start()
  if (stopping !== undefined) return
  if (outcome.kind === 'ready') return say(menu(group.addresses, values))
  stopping = group.stop()
  await stopping
  if (outcome.kind === 'failed') throw new MisuseError(outcome.why)
}
