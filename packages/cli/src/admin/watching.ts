import type { ShownShield } from './status-table.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs `body` until it ends, or until a signal arrives. It must end soon after its signal is aborted. */
export async function untilSignal(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  const stop = (): void => controller.abort(new Error('interrupted'))
  for (const name of SIGNALS) process.on(name, stop)
  // The reader of a pipe has ended: `escudo watch | head`.
  process.stdout.on('error', stop)
  try {
    await body(controller.signal)
  } finally {
    for (const name of SIGNALS) process.off(name, stop)
    process.stdout.off('error', stop)
  }
}

/** What has changed between two looks: shields, whether they are disabled, and the states of circuit breakers. */
export function changesBetween(before: readonly ShownShield[], after: readonly ShownShield[]): readonly string[] {
  const old = factsOf(before)
  const current = factsOf(after)
  const changed = [...current].flatMap(([name, state]) => {
    const was = old.get(name)
    if (was === state) return []
    return was === undefined ? [`${name} is new: ${state}`] : [`${name}: ${was} -> ${state}`]
  })
  const gone = [...old.keys()].filter((name) => !current.has(name)).map((name) => `${name} is gone`)
  return [...changed, ...gone]
}

function factsOf(shields: readonly ShownShield[]): ReadonlyMap<string, string> {
  const facts = new Map<string, string>()
  for (const { name, disabled, policies } of shields) {
    facts.set(name, disabled ? 'disabled' : 'enabled')
    for (const policy of policies) {
      if (policy.state !== '') facts.set(`${name} ${policy.name}`, policy.state)
    }
  }
  return facts
}
