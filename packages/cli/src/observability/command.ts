import { type Command, type Given, misuse, type Output } from '../command.ts'
import { givenValue, numberOf } from '../options.ts'

const SECONDS_MAX = 600

/** `escudo observability`: writes the dashboard, the alert rules and their description. */
export const observability: Command = {
  name: 'observability',
  summary: 'Write a Grafana dashboard, Prometheus alert rules and their description for a service.',
  options: [
    {
      name: 'module',
      value: 'FILE',
      required: true,
      repeatable: true,
      text: "a module that builds the service's shields or exports its error catalogue; may be given several times",
    },
    { name: 'out', value: 'DIR', required: true, text: 'the folder for dashboard.json, rules.yml and README.md' },
    {
      name: 'client',
      value: 'NAME',
      repeatable: true,
      text: 'a client of resilientFetch that has its own standard shield; may be given several times',
    },
    { name: 'job', value: 'NAME', text: "the service's job in Prometheus (default: the name of the service)" },
    { name: 'objective', value: 'PERCENT', text: 'the share of requests without a technical error (default 99.9)' },
    { name: 'window-scale', value: 'NUMBER', text: 'multiplies every time in the rules, to test them (default 1)' },
    { name: 'timeout', value: 'SECONDS', text: 'the longest time to load the modules (default 10)' },
    { name: 'force', text: 'overwrite files that this command did not write' },
  ],
  details: `The modules are loaded in a separate process, which ends as soon as they are read. A module must not start a
server or send requests. The service's name is that of an exported error contract, else the name in the nearest
package.json.
`,
  run,
}

async function run(given: Given, { out }: Output): Promise<void> {
  const objective = numberOf(given, 'objective', { min: 50, max: 99.999, default: 99.9 })
  const windowScale = numberOf(given, 'window-scale', { min: 0.001, max: 10, default: 1 })
  const limitMs = numberOf(given, 'timeout', { min: 0.1, max: SECONDS_MAX, default: 10 }) * 1_000
  const job = givenValue(given, 'job')
  const folder = givenValue(given, 'out')
  if (folder === undefined) throw misuse('--out DIR is missing')
  // Loaded here, so that `escudo --help` does not wait for the libraries.
  const { loadService } = await import('./service/load-service.ts')
  const { generate } = await import('./generate.ts')
  const { writeFiles } = await import('./write-files.ts')
  const service = await loadService(given.get('module') ?? [], given.get('client') ?? [], limitMs)
  const { files, panels, alerts } = generate(service, { job: job ?? service.name, objective, windowScale })
  await writeFiles(folder, files, given.has('force'))
  const from = `${count(service.shields.length, 'shield')} and ${count(service.errors.length, 'error')}`
  out(`${service.name}: wrote ${count(panels, 'panel')} and ${count(alerts, 'alert')} to ${folder}, from ${from}\n`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
