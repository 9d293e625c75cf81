import { writeFile } from 'node:fs/promises'
import type { LogFiles } from '../journal/log-files.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { reportHtml } from './report-html.ts'
import { shownNow, wholeRange } from './shown.ts'
import type { Language } from './wording.ts'

/** What a report needs besides the files. */
export interface ReportOptions {
  /** The HTML file to write. */
  readonly report: string
  readonly language: Language
  readonly thresholds: Thresholds
}

/** Writes a report about everything that was read. */
export async function writeReport(files: LogFiles, { report, language, thresholds }: ReportOptions): Promise<void> {
  const shown = shownNow(files, wholeRange(files), thresholds)
  await writeFile(report, reportHtml(shown, language, files.journal.clock()))
}
