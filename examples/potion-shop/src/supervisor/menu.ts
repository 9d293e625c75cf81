import type { StartValues } from './processes.ts'

/** A process as people find it. */
export interface Address {
  readonly name: string
  readonly port: number
  readonly pid: number | undefined
}

/** What people see once everything is up: the addresses, and what to try. */
export function menu(addresses: readonly Address[], values: StartValues): string {
  const shop = `http://localhost:${values.shopPort}`
  const inventory = `http://localhost:${values.inventoryPort}`
  const json = "-H 'content-type: application/json'"
  const pages = [
    ['what happens, as it happens', `http://localhost:${values.dashboardPort}`],
    ['the API, with every error that it can answer', `${shop}/docs`],
    ['what it all came to, for Prometheus', `${shop}/metrics`],
  ] as const
  const tries = [
    ['an item', `curl -i ${shop}/items/item1`],
    ['an error that a client understands', `curl -i ${shop}/items/nada`],
    ['a new user, one in ten fails', `curl -i ${shop}/users ${json} -d '{"email":"ana@example.com","nombre":"Ana"}'`],
    ['more than there is', `curl -i ${shop}/orders ${json} -d '{"item_id":"SuperPocion","cantidad":10}'`],
    ['a flaky dependency, retried', `curl -i ${shop}/call-service`],
    ['an unstable one behind a breaker', `curl -i ${shop}/call-external`],
    ['the breaker', `curl ${shop}/breaker-status`],
    ['a page made of two services', `curl ${shop}/product-details/mana-potion`],
    ['break the inventory', `curl -X PUT ${inventory}/__faults -d '{"status":503}'`],
    ['mend it', `curl -X DELETE ${inventory}/__faults`],
    ['a crash, and the shop is back in a moment', `curl -i -X POST ${shop}/crash-demo`],
  ] as const
  return [
    '',
    ...addresses.map(({ name, port, pid }) => `  ${name.padEnd(18)} http://localhost:${port}  (process ${pid})`),
    `  ${'logs'.padEnd(18)} ${values.logDir}/*.jsonl`,
    '',
    'Look:',
    ...pages.map(([what, url]) => `  ${url}   # ${what}`),
    '',
    'Try:',
    ...tries.map(([what, line]) => `  ${line}   # ${what}`),
    '',
    'Ctrl-C stops all of them.',
    '',
  ].join('\n')
}
