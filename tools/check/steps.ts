import { spawn } from 'node:child_process'

/** One thing to check: a program of node_modules with its arguments. */
export interface Step {
  /** What it checks, in words. */
  readonly name: string
  /** The command as a person would type it, to be shown where it fails. */
  readonly command: string
  readonly program: string
  readonly args: readonly string[]
}

/** How a step ended. */
export interface StepResult {
  readonly step: Step
  readonly passed: boolean
  readonly seconds: number
  /** What it printed on either channel. */
  readonly output: string
}

/** Runs a step to its end. A step that cannot start, or takes longer than it may, has failed. */
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
    child.once('error', (error) => end(false, `cannot be started: ${error.message}\n`))
    child.once('close', (code, signal) => {
      end(code === 0, signal === null ? '' : `ended by ${signal}; it may take ${secondsMax} s\n`)
    })
  })
}

/** The summary: a line a step, and before them all that failed steps printed. */
export function summary(results: readonly StepResult[]): string {
  const failed = results.filter(({ passed }) => !passed)
  const width = Math.max(...results.map(({ step }) => step.name.length))
  return [
    ...failed.map(({ step, output }) => `── ${step.name}: ${step.command}\n${output.trimEnd()}\n`),
    ...results.map(({ step, passed, seconds }) => {
      return `${passed ? 'ok    ' : 'FAILED'} ${step.name.padEnd(width)} ${seconds.toFixed(1).padStart(5)} s`
    }),
    failed.length === 0 ? 'check: all well' : `check: ${failed.length} of ${results.length} failed`,
    '',
  ].join('\n')
}
