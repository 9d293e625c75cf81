import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Target } from '../load.ts'
import type { Case, Suite } from '../measure.ts'
import { freePort, scriptOf } from '../processes.ts'
import type { Server, Stage } from '../stage.ts'
import { callUntilOpen, SHOP_TARGETS, shopCase, startShop } from './shop.ts'

/** The names of the groups. */
export const CHAPTER_OK = 'chapter: GET 200'
export const CHAPTER_MISSING = 'chapter: business error, 404'
export const CHAPTER_OPEN = 'chapter: open circuit, 503'

const GROUPS = {
  [CHAPTER_OK]: { kind: 'ok', service: 'items', target: SHOP_TARGETS.ok },
  [CHAPTER_MISSING]: { kind: 'missing', service: 'items', target: SHOP_TARGETS.missing },
  [CHAPTER_OPEN]: {
    kind: 'open',
    service: 'circuit',
    target: { ...SHOP_TARGETS.open, contains: 'Servicio no disponible' },
  },
} as const satisfies Readonly<Record<string, { kind: keyof typeof SHOP_TARGETS; service: string; target: Target }>>

/** The side that the shop is compared with. */
export const FASTAPI = 'FastAPI'

const FOLDER = scriptOf('../chapter-python')
const PACKAGES = ['fastapi', 'httptools', 'httpx', 'pybreaker', 'uvicorn', 'uvloop']

/**
 * The shop, with its log file and its metrics, beside the services of the chapter in FastAPI, without a log.
 *
 * @param python the path of a Python. Default: that of the virtual environment in `bench/chapter-python`, else `python3`
 */
export function chapter(python: string | undefined): Suite {
  return {
    groups: Object.keys(GROUPS),
    baselineOf: (group) => ({ group, by: FASTAPI }),
    async cases(stage, groups, notes) {
      const command = python ?? defaultPython()
      const problem = await missingPackages(command)
      if (problem !== undefined) {
        for (const group of groups)
          notes.push(`${group}: not available: ${problem}; see bench/chapter-python/README.md`)
        return []
      }
      const shop = await startShop(stage)
      const items = await startService(stage, command, 'items')
      const circuit = await startService(stage, command, 'circuit')
      const cases: Case[] = []
      for (const [group, { kind, service, target }] of Object.entries(GROUPS)) {
        if (!groups.includes(group)) continue
        cases.push(await shopCase(stage, shop, group, kind))
        const server = service === 'items' ? items : circuit
        if (kind === 'open') await callUntilOpen(server.origin)
        cases.push({ group, by: FASTAPI, measured: server, run: await stage.loadOf(server, target) })
      }
      return cases
    },
  }
}

function defaultPython(): string {
  const own = `${FOLDER}/.venv/bin/python`
  return existsSync(own) ? own : 'python3'
}

/** Undefined if all packages are installed. */
async function missingPackages(command: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(command, ['-c', `import ${PACKAGES.join(', ')}`])
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? `${command} was not found` : `${command} lacks one of ${PACKAGES.join(', ')}`
  }
}

/** Starts one service, in one process, as the shop is one. No dependency listens, so every call to it fails. */
async function startService(stage: Stage, command: string, service: string): Promise<Server> {
  const dependency = await freePort()
  return await stage.server((port) => ({
    name: `${FASTAPI} ${service}`,
    command,
    args: [
      ...['-m', 'uvicorn', `${service}:app`, '--app-dir', FOLDER, '--host', '127.0.0.1', '--port', String(port)],
      ...['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'critical'],
    ],
    // Compiled files would end up in the repository.
    env: { DEPENDENCY_PORT: String(dependency), PYTHONDONTWRITEBYTECODE: '1' },
  }))
}
