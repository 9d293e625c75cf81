import { expect } from 'vitest'
import { formProblem } from './form.ts'
import { endAll, type Running } from './processes.ts'
import { type Answer, askPort } from './requests.ts'
import { services } from './services.ts'
import type { Line } from './system.ts'

/** The shop by itself. Nothing listens where it looks for its dependencies. */
export interface Shop {
  readonly port: number
  readonly process: Running
  readonly ask: (path: string, init?: RequestInit) => Promise<Answer>
  /** The lines of its log so far. */
  readonly lines: () => Promise<readonly Line[]>
  /** The lines of one request, once its last one is there. */
  readonly linesOf: (answer: Answer) => Promise<readonly Line[]>
}

const removals: (() => Promise<void>)[] = []

/** Starts the shop, in which no user fails unless `env` says so, and waits until it answers. */
export async function startShop(env: Readonly<Record<string, string>> = {}): Promise<Shop> {
  const all = await services({ ESCUDO_USERS_FAIL_RATE: '0', ...env })
  removals.push(all.remove)
  return {
    port: all.ports.shop,
    process: await all.start('shop'),
    ask: (path, init) => askPort(all.ports.shop, path, init),
    lines: () => all.log('shop'),
    linesOf: (answer) => all.trace(answer.headers.get('x-trace-id') ?? ''),
  }
}

/** Ends the shops that were started, and removes their logs. */
export async function endShops(): Promise<void> {
  await endAll()
  for (const remove of removals.splice(0)) await remove()
}

/** Checks the one form that every error has; gives its status, code, message and context to compare. */
export function factsOf(answer: Answer): readonly [number, string, string, unknown] {
  expect(formProblem(answer)).toBeUndefined()
  const { error_code, message, context } = answer.json
  return [answer.status, error_code, message, context]
}
