import { isHelpOpen, t } from '../state/state.ts'
import { Dialog } from './dialog.tsx'

/** Lists the keyboard shortcuts. */
export function Help() {
  const texts = t.value
  return (
    <Dialog isOpen={isHelpOpen.value} title={texts.help} name="help" onClose={() => (isHelpOpen.value = false)}>
      <dl class="keys">
        {texts.keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">{texts.filterTerms}</p>
    </Dialog>
  )
}
