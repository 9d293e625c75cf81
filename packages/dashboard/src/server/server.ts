import { createServer, type Server } from 'node:http'
import { LogFiles } from '../journal/log-files.ts'
import { FileSource } from '../source/file-source.ts'
import type { Source } from '../source/source.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { loopbackHosts } from './hosts.ts'
import { createPages } from './pages.ts'

/** Creates the server of the dashboard. It does not listen yet; `port` is the port it will use. */
export async function createDashboard(
  source: LogFiles | Source,
  port: number,
  pageFolder?: string,
  thresholds?: Thresholds,
): Promise<Server> {
  const pages = await createPages(source instanceof LogFiles ? new FileSource(source) : source, pageFolder, thresholds)
  const hosts = loopbackHosts(port)
  const server = createServer((request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1)
    void pages.answer(request, response, path, hosts.has(request.headers.host?.toLowerCase() ?? ''))
  })
  const { close } = server
  server.close = (done) => {
    pages.close()
    return close.call(server, done)
  }
  return server
}
