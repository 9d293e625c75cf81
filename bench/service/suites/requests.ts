import type { Target } from '../load.ts'
import type { Case, Suite } from '../measure.ts'
import { scriptOf } from '../processes.ts'
import type { Server, Stage } from '../stage.ts'

/** The servers, by their names in the report. */
const BARE = 'Fastify'
export const WITH_LOG = 'Fastify + log'
export const ESCUDO = 'escudo'
const ESCUDO_QUIET = 'escudo, no log or metrics'

const json = { 'content-type': 'application/json' }

/** The requests, by the names of their groups. */
const TARGETS = {
  'requests: GET 200': { path: '/ok', method: 'GET', status: 200, contains: 'world' },
  'requests: POST validated': {
    path: '/orders',
    method: 'POST',
    headers: json,
    body: JSON.stringify({ item: 'mana-potion', count: 2 }),
    status: 200,
    contains: 'mana-potion',
  },
  'requests: error thrown, 404': { path: '/missing', method: 'GET', status: 404, contains: 'ITEM_NOT_FOUND' },
  'requests: unknown route': { path: '/nowhere', method: 'GET', status: 404, contains: '404' },
} as const satisfies Readonly<Record<string, Target>>

/** The name of one of these groups. */
export type RequestGroup = keyof typeof TARGETS

const PROGRAMS = [
  { by: BARE, script: 'programs/fastify.ts', log: undefined },
  { by: WITH_LOG, script: 'programs/fastify.ts', log: 'fastify' },
  { by: ESCUDO, script: 'programs/escudo.ts', log: 'escudo' },
  { by: ESCUDO_QUIET, script: 'programs/escudo.ts', log: undefined },
] as const

/** What the parts of escudo cost a request, beside Fastify with and without its log. */
export const requests: Suite = {
  groups: Object.keys(TARGETS),
  baselineOf: (group) => ({ group, by: WITH_LOG }),
  async cases(stage, groups) {
    const servers: { readonly by: string; readonly server: Server; readonly logFile?: string }[] = []
    for (const { by, script, log } of PROGRAMS) {
      const logFile = log === undefined ? {} : { logFile: stage.logFile(log) }
      servers.push({ by, server: await startServer(stage, by, script, logFile.logFile), ...logFile })
    }
    const cases: Case[] = []
    for (const [group, target] of Object.entries(TARGETS)) {
      if (!groups.includes(group)) continue
      for (const { server, ...rest } of servers) {
        cases.push({ group, ...rest, measured: server, run: await stage.loadOf(server, target) })
      }
    }
    return cases
  },
}

function startServer(stage: Stage, name: string, script: string, logFile: string | undefined): Promise<Server> {
  return stage.server((port) => ({
    name,
    args: [scriptOf(script), String(port), ...(logFile === undefined ? [] : [logFile])],
  }))
}
