import { spawn } from 'node:child_process'

/** One step of `npm run check`: a program of node_modules and its arguments. */
export interface Step {
  /** What it checks, as the summary prints it. */
  readonly name: string
  /** The command that repeats the step; printed when it fails. */
  readonly command: string
  readonly program: string
  readonly args: readonly string[]
}

/** How a step ended. */
export interface StepResult {
  readonly step: Step
  readonly passed: boolean
  readonly seconds: number
  /** Its stdout and stderr, in the order of arrival. */
  readonly output: string
}

/** Runs a step. It fails if it cannot start, exits with another code than 0, or exceeds `secondsMax`. */
export function runStep(step: Step, cwd: string, secondsMax: number): Promise<StepResult> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(step.program, step.args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: secondsMax * 1_000,
      killSignal: 'SIGKILL',
    })
    const end = (passed: boolean, remark: string): void => {
      resolve({ step, passed, seconds: (performance.now() - startedMs) / 1_000, output: output + remark })
    }
    for (const channel of [child.stdout, child.stderr]) {
      channel.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.once('error', (error) => end(false, `cannot start: ${error.message}\n`))
    child.once('close', (code, signal) => {
      end(code === 0, signal === null ? '' : `killed by ${signal}; the limit is ${secondsMax} s\n`)
    })
  })
}

/** Renders the output of failed steps, then one line for each step, with its output where that is a single line. */
export function summary(results: readonly StepResult[]): string {
  const failed = results.filter(({ passed }) => !passed)
  const width = Math.max(...results.map(({ step }) => step.name.length))
  return [
    ...failed.map(({ step, output }) => `── ${step.name}: ${step.command}\n${output.trimEnd()}\n`),
    ...results.map(({ step, passed, seconds, output }) => {
      const remark = passed && /^[^\n]+\n$/.test(output) ? `  ${output.trimEnd()}` : ''
      return `${passed ? 'ok    ' : 'FAILED'} ${step.name.padEnd(width)} ${seconds.toFixed(1).padStart(5)} s${remark}`
    }),
    failed.length === 0 ? 'check: all steps passed' : `check: ${failed.length} of ${results.length} failed`,
    '',
  ].join('\n')
}
