import type { Target } from '../service/load.ts'
import type { Case, Suite } from '../service/measure.ts'
import { scriptOf } from '../service/processes.ts'

/** A framework, and the request logger that its users add. */
export interface Framework {
  readonly name: string
  readonly program: string
  /** What else the program needs to know. */
  readonly platform?: string
  /** The name of the logger in the report. */
  readonly logger: string
}

export const FRAMEWORKS: readonly Framework[] = [
  { name: 'Fastify', program: 'fastify', logger: 'its own log' },
  { name: 'Express', program: 'express', logger: 'pino-http' },
  { name: 'Hono', program: 'hono', logger: 'hono/logger on pino' },
  { name: 'Koa', program: 'koa', logger: 'koa-pino-logger' },
  { name: 'Nest (Express)', program: 'nest', platform: 'express', logger: 'nestjs-pino' },
  { name: 'Nest (Fastify)', program: 'nest', platform: 'fastify', logger: 'nestjs-pino' },
  { name: 'web', program: 'web', logger: 'pino-http' },
  // It costs less than any logger, which writes more.
  { name: 'web (by hand)', program: 'web', platform: 'by hand', logger: 'a line of pino' },
]

/** The other rows of a group. */
const ALONE = 'alone'
export const ESCUDO = 'escudo'

/** The requests, by the second part of the names of their groups. */
export const TARGETS = {
  'GET 200': { path: '/items/1', method: 'GET', status: 200, contains: 'Potion' },
  'error thrown, 404': { path: '/items/2', method: 'GET', status: 404, contains: "Item '2' not found." },
} as const satisfies Readonly<Record<string, Target>>

/** The name of one of these requests. */
export type TargetName = keyof typeof TARGETS

/** The name of a group, for example `Express: GET 200`. */
export const groupOf = ({ name }: Framework, target: TargetName): string => `${name}: ${target}`

/** How a server is built, by its row. */
const SIDES = ['alone', 'logger', 'escudo'] as const

/** The suite of one framework. Its servers do not wait while those of another framework are measured. */
function suiteOf(framework: Framework): Suite {
  const groups = new Map(
    (Object.keys(TARGETS) as TargetName[]).map((name) => [groupOf(framework, name), TARGETS[name]] as const),
  )
  return {
    groups: [...groups.keys()],
    baselineOf: (group) => ({ group, by: framework.logger }),
    async cases(stage, selected) {
      const cases: Case[] = []
      const rows = { alone: ALONE, logger: framework.logger, escudo: ESCUDO }
      for (const side of SIDES) {
        const logFile = side === 'alone' ? undefined : stage.logFile(side)
        const server = await stage.server((port) => ({
          name: `${framework.name}, ${rows[side]}`,
          args: programArguments(framework, port, side, logFile),
        }))
        for (const group of selected) {
          const run = await stage.loadOf(server, groups.get(group) as Target)
          const logged = logFile === undefined ? {} : { logFile }
          cases.push({ group, by: rows[side], measured: server, run, ...logged })
        }
      }
      return cases
    },
  }
}

/** The program of a framework, and its arguments. */
export function programArguments(
  { program, platform }: Framework,
  port: number,
  side: (typeof SIDES)[number],
  logFile: string | undefined,
): readonly string[] {
  const script = scriptOf(`../frameworks/programs/${program}.ts`)
  return [script, String(port), side, logFile ?? '', ...(platform === undefined ? [] : [platform])]
}

export const suites: readonly Suite[] = FRAMEWORKS.map(suiteOf)
