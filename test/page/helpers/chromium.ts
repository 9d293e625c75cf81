import { existsSync } from 'node:fs'
import { debianPackage } from '../../helpers/debian.ts'

/** The path where Debian's package installs it. */
export const CHROMIUM = '/usr/bin/chromium'

/** Its arguments. They disable background network traffic. */
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

/** Whether Chromium is installed. */
export function hasChromium(): boolean {
  return existsSync(CHROMIUM)
}

/** The message for a machine without Chromium. */
export const INSTALL_HINT = 'the page tests need Chromium: apt-get install chromium'

/** Whether a test run with these arguments may include page tests. */
export function isNeeded(args: readonly string[]): boolean {
  const paths = args.filter((arg) => !arg.startsWith('-') && arg.includes('/'))
  return paths.length === 0 || paths.some((path) => path.includes('test/page') || path === 'test/')
}

/** Provides Chromium before any test runs. The page tests only check whether it exists. */
export default async function setup(): Promise<void> {
  if (!hasChromium() && isNeeded(process.argv.slice(2))) await debianPackage('chromium', 'chromium')
}
