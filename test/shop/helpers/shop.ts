import { expect } from 'vitest'
import { formProblem } from './form.ts'
import { type Line, linesOf, readLog } from './logs.ts'
import type { Running } from './processes.ts'
import { type Answer, ask } from './requests.ts'
import { runningShop } from './running-shop.ts'
import { services } from './services.ts'
import type { Target } from './target.ts'

/** The process of the shop, as its client sees it. */
export interface Shop {
  readonly target: Target
  readonly port: number
  readonly ask: (path: string, init?: RequestInit) => Promise<Answer>
  /** The lines in its log so far. */
  readonly lines: () => Promise<readonly Line[]>
  /** The log lines of one request; waits for its last line. */
  readonly linesOf: (answer: Answer) => Promise<readonly Line[]>
}

/** The shop alone, as this test file has started it. */
export interface StartedShop extends Shop {
  readonly process: Running
}

/**
 * Starts the shop alone and waits until it answers. Nothing listens on the ports of its dependencies.
 *
 * Creating a user never fails at random unless `env` says so.
 */
export async function startShop(env: Readonly<Record<string, string>> = {}): Promise<StartedShop> {
  const all = await services({ ESCUDO_USERS_FAIL_RATE: '0', ...env })
  const process = await all.start('potion-shop')
  return { ...shopOf(all), process }
}

/** Returns the running shop of `npm run contract`, or starts the shop alone with `env`. */
export async function openShop(env: Readonly<Record<string, string>> = {}): Promise<Shop> {
  const running = await runningShop()
  return running === undefined ? await startShop(env) : shopOf(running)
}

/** Returns the shop among running processes. */
export function shopOf(target: Target): Shop {
  return {
    target,
    port: target.ports['potion-shop'],
    ask: (path, init) => ask(target, 'potion-shop', path, init),
    lines: () => readLog(target, 'potion-shop'),
    linesOf: (answer) => linesOf(target, 'potion-shop', traceOf(answer)),
  }
}

/** Returns the trace id of an answer. */
export function traceOf({ headers }: Pick<Answer, 'headers'>): string {
  return headers.get('x-trace-id') ?? ''
}

/** Checks the common form of an error; returns its status, code, message and context. */
export function factsOf(answer: Answer): readonly [number, string, string, unknown] {
  expect(formProblem(answer)).toBeUndefined()
  const { error_code, message, context } = answer.json
  return [answer.status, error_code, message, context]
}
