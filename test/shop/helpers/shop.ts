import { expect } from 'vitest'
import { formProblem } from './form.ts'
import { endAll, type Running } from './processes.ts'
import { type Answer, askPort } from './requests.ts'
import { services } from './services.ts'
import type { Line } from './system.ts'

/** The shop alone: nothing listens on the ports of its dependencies. */
export interface Shop {
  readonly port: number
  readonly process: Running
  readonly ask: (path: string, init?: RequestInit) => Promise<Answer>
  /** The lines in its log so far. */
  readonly lines: () => Promise<readonly Line[]>
  /** The log lines of one request; waits for its last line. */
  readonly linesOf: (answer: Answer) => Promise<readonly Line[]>
}

const removals: (() => Promise<void>)[] = []

/** Starts the shop and waits until it answers. Creating a user never fails at random unless `env` says so. */
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

/** Ends all started shops and removes their logs. */
export async function endShops(): Promise<void> {
  await endAll()
  for (const remove of removals.splice(0)) await remove()
}

/** Checks the common form of an error; returns its status, code, message and context. */
export function factsOf(answer: Answer): readonly [number, string, string, unknown] {
  expect(formProblem(answer)).toBeUndefined()
  const { error_code, message, context } = answer.json
  return [answer.status, error_code, message, context]
}
