import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endAll, freePorts, type Running, startScript, until } from '../../shop/helpers/processes.ts'

/** A dashboard on a folder of logs. */
export interface FolderDashboard {
  readonly url: string
  readonly folder: string
  readonly process: Running
  readonly remove: () => Promise<void>
}

/** Starts a dashboard on a folder that `prepare` fills. */
export async function startOnFolder(prepare: (folder: string) => Promise<void>): Promise<FolderDashboard> {
  const folder = await mkdtemp(join(tmpdir(), 'escudo-folder-'))
  await prepare(folder)
  const [port] = (await freePorts(1)) as [number]
  const process = startScript('packages/dashboard/src/bin.ts', ['--port', String(port), folder], {})
  await until('the dashboard', () => process.stdout().includes('http://'))
  const remove = async (): Promise<void> => {
    await endAll()
    await rm(folder, { recursive: true })
  }
  return { url: `http://localhost:${port}/`, folder, process, remove }
}
