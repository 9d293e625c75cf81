import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM, CHROMIUM_ARGS, HOW_TO_INSTALL, hasChromium } from './chromium.ts'

/** Whether the tests of the page are left out: where there is no Chromium; but with CI=true they then fail. */
export const isSkipped: boolean = !hasChromium() && process.env['CI'] !== 'true'

/** What a page is opened with. */
export interface Look {
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
  readonly locale?: string
}

/** A page in a browser of its own, with a fresh profile. */
export interface Opened {
  readonly page: Page
  /** What its console and its scripts complained of. */
  readonly complaints: readonly string[]
  readonly close: () => Promise<void>
}

/** Opens an address in real Chromium. */
export async function open(
  url: string,
  { width = 1280, height = 900, colorScheme = 'light', locale = 'es-ES' }: Look = {},
): Promise<Opened> {
  if (!hasChromium()) throw new Error(HOW_TO_INSTALL)
  const profile = await mkdtemp(join(tmpdir(), 'escudo-chromium-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: [...CHROMIUM_ARGS],
    headless: true,
    viewport: { width, height },
    colorScheme,
    locale,
  })
  const [page = await context.newPage()] = context.pages()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  await page.goto(url)
  const close = async (): Promise<void> => {
    await context.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 3 })
  }
  return { page, complaints, close }
}
