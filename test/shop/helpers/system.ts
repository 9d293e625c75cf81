import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endAll, freePorts, type Running, startScript, until } from './processes.ts'
import { runningShop } from './running-shop.ts'
import { NAMES, type Name, PORT_VARIABLES, type Target } from './target.ts'

/** All five processes under their supervisor, on free ports and with their own log folder. */
export interface System extends Target {
  readonly supervisor: Running
  readonly env: Readonly<Record<string, string>>
}

const folders: string[] = []

/** Creates an environment with free ports and a log folder, so that test files do not interfere. */
export async function environment(extra: Readonly<Record<string, string>> = {}): Promise<Omit<System, 'supervisor'>> {
  const numbers = await freePorts(NAMES.length)
  const ports = Object.fromEntries(NAMES.map((name, index) => [name, numbers[index]])) as Record<Name, number>
  const logFolder = await mkdtemp(join(tmpdir(), 'escudo-shop-'))
  folders.push(logFolder)
  const variables = Object.fromEntries(NAMES.map((name) => [PORT_VARIABLES[name], String(ports[name])]))
  return { ports, logFolder, env: { ...variables, ESCUDO_LOG_DIR: logFolder, ...extra } }
}

/** Returns the running shop of `npm run contract`, or starts all five processes with `extra`. */
export async function openSystem(extra: Readonly<Record<string, string>> = {}): Promise<Target> {
  return (await runningShop()) ?? (await startSystem(extra))
}

/** Starts all five processes and waits until the supervisor prints its menu. */
export async function startSystem(extra: Readonly<Record<string, string>> = {}): Promise<System> {
  const { ports, logFolder, env } = await environment(extra)
  const supervisor = startScript('examples/potion-shop/src/start.ts', [], env)
  await untilUp(supervisor)
  return { supervisor, ports, logFolder, env }
}

/** Waits for the menu of the supervisor; fails with its output if it ends first. */
export async function untilUp(supervisor: Running): Promise<void> {
  let ended = false
  void supervisor.exit.then(() => {
    ended = true
  })
  await until(
    'the menu',
    () => {
      if (ended) throw new Error(`the supervisor ended: ${supervisor.stdout()}${supervisor.stderr()}`)
      return supervisor.stdout().includes('Ctrl-C stops')
    },
    30_000,
  )
}

/** Stops the supervisor, which stops the rest. */
export async function stopSystem(system: System): Promise<void> {
  system.supervisor.send('SIGTERM')
  await system.supervisor.exit
}

/** Ends all processes that still run and removes the logs. */
export async function cleanUp(): Promise<void> {
  await endAll()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
}

/** Reads the latest process id of each process from the output of the supervisor. */
export function pidsOf(supervisor: Running): Readonly<Record<Name, number>> {
  const matches = [...supervisor.stdout().matchAll(/^\s*(\S+) .*process (\d+)/gm)]
  return Object.fromEntries(matches.map(([, name, pid]) => [name, Number(pid)])) as Record<Name, number>
}
