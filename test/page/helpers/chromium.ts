import { existsSync } from 'node:fs'
import { debianPackage } from '../../helpers/debian.ts'

/** Where Debian's package puts it. */
export const CHROMIUM = '/usr/bin/chromium'

/** What it is started with: nothing of it reaches out. */
export const CHROMIUM_ARGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Whether there is one. */
export function hasChromium(): boolean {
  return existsSync(CHROMIUM)
}

/** What to do where there is none. */
export const HOW_TO_INSTALL = 'the tests of the page need Chromium: apt-get install chromium'

/** Whether the run that was asked for may have tests of the page in it: one of other folders needs no Chromium. */
export function isNeeded(args: readonly string[]): boolean {
  const paths = args.filter((arg) => !arg.startsWith('-') && arg.includes('/'))
  return paths.length === 0 || paths.some((path) => path.includes('test/page') || path === 'test/')
}

/** Sees to it before any test runs: the page's tests only ask whether it is there. */
export default async function setup(): Promise<void> {
  if (!hasChromium() && isNeeded(process.argv.slice(2))) await debianPackage('chromium', 'chromium')
}
