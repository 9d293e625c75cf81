import { spawn, spawnSync } from 'node:child_process'

/** The totals of the dashboard's summary: requests, errors, the mean, and requests by status, service and route. */
const JQ_PROGRAM = `reduce inputs as $line ({requests: 0, client: 0, server: 0, sum: 0, status: {}, service: {}, route: {}};
  if $line.event == "http.request" then
    .requests += 1
    | .sum += $line.latency_ms
    | .status[$line.status_code | tostring] += 1
    | .service[$line.service] += 1
    | .route[$line.service + " " + ($line.route // $line.path)] += 1
    | if $line.status_code >= 500 then .server += 1 elif $line.status_code >= 400 then .client += 1 else . end
  else . end)`

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}

/** Returns the processor time in which jq computes the totals of a log. */
export async function measureJq(path: string): Promise<number> {
  return await cpuMsOf('jq', ['-n', '-c', JQ_PROGRAM, path])
}

/** Returns the processor time in which goaccess reports on an access log. */
export async function measureGoaccess(path: string): Promise<number> {
  return await cpuMsOf('goaccess', [path, '--log-format=COMBINED', '--no-progress', '-o', 'json'])
}

/** Runs a program to its end. The shell tells its processor time: Node does not. */
async function cpuMsOf(program: string, args: readonly string[]): Promise<number> {
  const shell = spawn('bash', ['-c', 'TIMEFORMAT="cpu %U %S"; time "$@" > /dev/null', 'bash', program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  let text = ''
  shell.stderr.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-2_000)
  })
  const code = await new Promise<number | null>((resolve) => shell.once('close', resolve))
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(text) ?? []
  if (code !== 0 || user === undefined) throw new Error(`${program} failed: ${text.slice(0, 300)}`)
  return (Number(user) + Number(system)) * 1_000
}
