import { spawn } from 'node:child_process'

/** What of a process tells whether somebody sits in front of it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { readonly isTTY?: boolean }
  /** Set in a process that another one started and talks to. */
  readonly connected?: boolean | undefined
}

/** Whether the browser opens by itself: on a terminal, not in CI, not under a supervisor. */
export function opensBrowser({ env, stdout, connected }: Surroundings): boolean {
  return stdout.isTTY === true && !env['CI'] && connected === undefined
}

/** The program that opens an address, by platform. */
export function browserCommand(platform: NodeJS.Platform, url: string): readonly [string, readonly string[]] {
  if (platform === 'darwin') return ['open', [url]]
  return platform === 'win32' ? ['explorer.exe', [url]] : ['xdg-open', [url]]
}

/** Opens the browser. Where there is none nothing happens: the address stands on the terminal. */
export function openBrowser(url: string): void {
  const [program, args] = browserCommand(process.platform, url)
  const child = spawn(program, args, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
