import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM, CHROMIUM_ARGS, hasChromium, INSTALL_HINT } from './chromium.ts'

/** Whether the page tests are skipped because Chromium is missing. With CI=true they fail instead. */
export const isSkipped: boolean = !hasChromium() && process.env['CI'] !== 'true'

/** The options of a page. */
export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
  readonly locale?: string
  /** The password that the browser sends when a page asks for one. */
  readonly password?: string
}

/** A page in a separate browser with a fresh profile. */
export interface Opened {
  readonly page: Page
  /** Uncaught errors, and errors and warnings of its console. */
  readonly problems: readonly string[]
  readonly close: () => Promise<void>
}

/** Opens a URL in real Chromium. */
export async function open(
  url: string,
  { width = 1280, height = 900, colorScheme = 'light', locale = 'es-ES', password }: PageOptions = {},
): Promise<Opened> {
  if (!hasChromium()) throw new Error(INSTALL_HINT)
  const profile = await mkdtemp(join(tmpdir(), 'escudo-chromium-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: [...CHROMIUM_ARGS],
    headless: true,
    viewport: { width, height },
    colorScheme,
    locale,
    ...(password === undefined ? {} : { httpCredentials: { username: 'admin', password } }),
  })
  const [page = await context.newPage()] = context.pages()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  await page.goto(url)
  const close = async (): Promise<void> => {
    await context.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 3 })
  }
  return { page, problems, close }
}
