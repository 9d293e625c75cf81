import { afterEach, beforeEach } from 'vitest'
import { isSkipped, type Opened, open, type PageOptions } from './browser.ts'
import { type Dashboard, startDashboard } from './dashboard.ts'

/** A dashboard and the pages that a test opens. */
export interface Session {
  readonly dashboard: Dashboard
  /** Opens a path of the dashboard, such as `?lang=en`. The page is closed after the test. */
  open(path?: string, options?: PageOptions): Promise<Opened>
}

/** Starts a dashboard before each test of the file, and removes it with all pages afterwards. */
export function session(): Session {
  let dashboard: Dashboard | undefined
  const pages: Opened[] = []
  beforeEach(async () => {
    if (!isSkipped) dashboard = await startDashboard()
  })
  afterEach(async () => {
    for (const { close } of pages.splice(0)) await close()
    await dashboard?.remove()
    dashboard = undefined
  })
  return {
    get dashboard() {
      if (dashboard === undefined) throw new Error('the dashboard of a test exists only while the test runs')
      return dashboard
    },
    async open(path = '', options) {
      const page = await open(this.dashboard.url + path, options)
      pages.push(page)
      return page
    },
  }
}
