import type { Advice, Source } from '../../../src/report/sources.ts'
import { f, t } from '../state/state.ts'
import type { Texts } from '../text/spanish.ts'

/** Shows a line of a file that was not recognised, why, and what to do. */
export function Unread({ file, columns }: { readonly file: Source; readonly columns: number }) {
  const texts = t.value
  const { unread, advice, untimed } = file
  if (unread === null && advice.length === 0 && untimed === 0) return null
  return (
    <tr class="unread">
      <td colSpan={columns}>
        {unread !== null && (
          <>
            <p>
              <strong>{texts.unreadLines(f.value.count(unread.lines))}</strong>{' '}
              {texts.unreadReasons[unread.reason] ?? unread.hint}
            </p>
            {unread.example !== '' && (
              <p>
                <span class="quiet">{texts.example}</span> <code>{unread.example}</code>
              </p>
            )}
          </>
        )}
        {untimed > 0 && <p>{texts.untimedLines(f.value.count(untimed))}</p>}
        {advice.map((one) => (
          <p key={textOf(one, texts)}>{textOf(one, texts)}</p>
        ))}
      </td>
    </tr>
  )
}

function textOf(advice: Advice, texts: Texts): string {
  if (advice.kind === 'unit') return texts.unitInDoubt(advice.name, f.value.count(advice.lines))
  if (advice.kind === 'no-request') return texts.noRequestInFile
  if (advice.kind === 'crowded') return texts.crowdedFolder
  const why = advice.text.replace(/^[^:]*: /, '')
  return advice.kind === 'not-kept' ? texts.notKept(why) : texts.notReadToEnd(why)
}
