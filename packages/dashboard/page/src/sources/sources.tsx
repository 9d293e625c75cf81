import { useState } from 'preact/hooks'
import type { Source } from '../../../src/report/sources.ts'
import { f, parts, t } from '../state/state.ts'
import { useFirstRows } from '../tables/first-rows.tsx'
import type { Texts } from '../text/spanish.ts'
import { Unread } from './unread.tsx'

/** One row for each file: what it is, how much of it was understood, and what to do about the rest. */
export function Sources() {
  const [isOpen, setOpen] = useState<boolean | undefined>(undefined)
  const data = parts.value
  const { rows, button } = useFirstRows(data?.sources.files ?? [], Math.max(5, data?.sources.troubled ?? 0))
  if (data === undefined) return null
  const texts = t.value
  const format = f.value
  const { sources } = data
  const { more, all, troubled } = sources
  const head = texts.files(format.count(all))
  const state = troubled === 0 ? texts.allRecognised : texts.someTroubled(format.count(troubled))
  return (
    <section class="figure sources" id="sources" tabIndex={-1} aria-labelledby="sources-title">
      <details
        open={isOpen ?? troubled > 0}
        // Only what the user does counts: the attribute itself causes this event too.
        onToggle={(event) => {
          if (event.currentTarget.open !== (isOpen ?? troubled > 0)) setOpen(event.currentTarget.open)
        }}
      >
        <summary>
          <h2 id="sources-title">{texts.sources}</h2>{' '}
          <span class={troubled === 0 ? 'quiet' : 'troubled'}>
            {[head, state, texts.linesPerSecond(format.ratio(sources.lines_per_second))].join(' · ')}
          </span>
        </summary>
        <table class="cards">
          <thead>
            <tr>
              {texts.sourceColumns.map((heading) => (
                <th key={heading} scope="col">
                  {heading}
                </th>
              ))}
            </tr>
          </thead>
          {rows.map((file) => (
            <File key={file.path} file={file} />
          ))}
        </table>
        {button}
        {more > 0 && <p class="quiet">{texts.moreFiles(format.count(more))}</p>}
      </details>
    </section>
  )
}

function File({ file }: { readonly file: Source }) {
  const texts = t.value
  const format = f.value
  const isStrange = file.unread !== null && file.recognised === 0
  const cells = [
    file.format === null ? (isStrange ? texts.unknownFormat : '—') : formatText(file.format, texts),
    `${format.count(file.recognised)} / ${format.count(file.read)}`,
    format.count(file.malformed),
    format.count(file.late),
    file.ahead === 0 ? '0' : `${format.count(file.ahead)} (${texts.aheadBy(format.rough(file.ahead_ms))})`,
    file.restarts === 0 ? texts.lostNone : texts.lostMaybe(format.count(file.restarts)),
    format.ratio(file.lines_per_second),
  ]
  const isGone = file.state === 'waiting' && file.read > 0
  const state = isGone ? texts.fileGone : (texts.fileStates[file.state] ?? file.state)
  return (
    <tbody class={isStrange ? 'strange' : ''}>
      <tr>
        <th scope="row">
          <code>{file.path}</code> {file.state !== 'reading' && <span class="quiet">({state})</span>}
        </th>
        {cells.map((cell, at) => (
          <td key={texts.sourceColumns[at + 1]} data-label={texts.sourceColumns[at + 1]}>
            {cell}
          </td>
        ))}
      </tr>
      <Unread file={file} columns={cells.length + 1} />
    </tbody>
  )
}

/** The name of a format in the language of the page. */
function formatText(format: string, texts: Texts): string {
  const [inner = format, wrapper] = format.split(' in ')
  return texts.fileKinds[format] ?? (wrapper === undefined ? format : texts.wrapped(inner, wrapper))
}
