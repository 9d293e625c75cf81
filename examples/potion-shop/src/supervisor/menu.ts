import { type StartValues, shopPorts } from './processes.ts'

/** The address of a process. */
export interface Address {
  readonly name: string
  readonly url: string
  readonly pid: number | undefined
}

/** The text after a successful start: the addresses and commands to try. */
export function menu(addresses: readonly Address[], values: StartValues): string {
  const shop = `http://localhost:${values.shopPort}`
  const inventory = `http://localhost:${values.inventoryPort}`
  const urls = shopPorts(values)
    .map((port) => `--url http://localhost:${port}`)
    .join(' ')
  const json = "-H 'content-type: application/json'"
  const pages = [
    ['requests, errors and latency, live', `http://localhost:${values.dashboardPort}`],
    ['the API, with every error of each route', `${shop}/docs`],
    ['metrics for Prometheus', `${shop}/metrics`],
  ] as const
  const tries = [
    ['an item', `curl -i ${shop}/items/item1`],
    ['an error that a client can understand', `curl -i ${shop}/items/nada`],
    ['a new user, one in ten fails', `curl -i ${shop}/users ${json} -d '{"email":"ana@example.com","nombre":"Ana"}'`],
    [
      'an order for more than is in stock',
      `curl -i ${shop}/orders ${json} -d '{"item_id":"SuperPocion","cantidad":10}'`,
    ],
    ['a flaky dependency, retried', `curl -i ${shop}/call-service`],
    ['an unstable one behind a breaker', `curl -i ${shop}/call-external`],
    ['the state of that breaker', `curl ${shop}/breaker-status`],
    ['a page from two services', `curl ${shop}/product-details/mana-potion`],
    ['break the inventory', `curl -X PUT ${inventory}/__faults -d '{"status":503}'`],
    ['fix it and watch it recover', `curl -X DELETE ${inventory}/__faults`],
    [
      values.instances === 1 ? 'see every shield' : 'see every shield of each instance',
      `npm run --silent escudo -- status ${urls} --token admin123`,
    ],
    ['crash the shop and watch it restart', `curl -i -X POST ${shop}/crash-demo`],
  ] as const
  return [
    '',
    ...addresses.map(({ name, url, pid }) => `  ${name.padEnd(18)} ${url}  (process ${pid})`),
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
