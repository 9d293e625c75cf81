import { spawn } from 'node:child_process'

/** The parts of a process that show whether a user is present. */
export interface ProcessInfo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { readonly isTTY?: boolean }
  /** Set when a parent process started this one with an IPC channel. */
  readonly connected?: boolean | undefined
}

/** Whether to open the browser: only on a terminal, not in CI, not under a supervisor. */
export function shouldOpenBrowser({ env, stdout, connected }: ProcessInfo): boolean {
  return stdout.isTTY === true && !env['CI'] && connected === undefined
}

/** Returns the program and arguments that open a URL on a platform. */
export function browserCommand(platform: NodeJS.Platform, url: string): readonly [string, readonly string[]] {
  if (platform === 'darwin') return ['open', [url]]
  return platform === 'win32' ? ['explorer.exe', [url]] : ['xdg-open', [url]]
}

/** Opens the browser. Does nothing when there is none: the URL is printed on the terminal anyway. */
export function openBrowser(url: string): void {
  const [program, args] = browserCommand(process.platform, url)
  const child = spawn(program, args, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
