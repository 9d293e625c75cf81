import { useEffect, useState } from 'preact/hooks'
import { Dialog } from '../dialogs/dialog.tsx'
import { language, t } from '../state/state.ts'
import { textFor } from '../text/text-for.ts'
import { type Action, act, type BreakerName, type ListedBreaker, listBreakers, type Outcome } from './act.ts'
import { lt, openLevers } from './state.ts'

const ACTIONS: readonly Action[] = ['isolate', 'trip', 'reset', 'disable', 'enable', 'reconfigure']
const REASON_CHARACTERS_MAX = 200

/** Changes a breaker of the service: what to do, why, and what came of it. */
export function LeversDialog() {
  const open = openLevers.value
  const close = (): void => {
    openLevers.value = undefined
  }
  const title = open === undefined || open === 'all' ? lt.value.levers : lt.value.leversOf(open.shield)
  return (
    <Dialog isOpen={open !== undefined} title={title} name="levers-dialog" onClose={close}>
      {open === 'all' ? <Choice /> : open !== undefined && <Form breakers={[open]} first={open.action} />}
    </Dialog>
  )
}

/** Loads the breakers of the service first. */
function Choice() {
  const texts = lt.value
  const [loaded, setLoaded] = useState<readonly ListedBreaker[] | number | undefined>(undefined)
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    let isWanted = true
    setLoaded(undefined)
    void listBreakers(language.peek()).then((found) => isWanted && setLoaded(found))
    return () => {
      isWanted = false
    }
  }, [attempt])
  if (loaded === undefined) return <p aria-busy="true">{texts.loading}</p>
  if (typeof loaded === 'number')
    return (
      <p role="alert">
        {loaded === 0 ? texts.listUnreachable : (texts.refused[loaded] ?? texts.failed(String(loaded)))}{' '}
        <button type="button" onClick={() => setAttempt((count) => count + 1)}>
          {t.value.tryNow}
        </button>
      </p>
    )
  if (loaded.length === 0) return <p>{texts.noBreakers}</p>
  return <Form breakers={loaded} first="isolate" />
}

interface FormProps {
  readonly breakers: readonly ListedBreaker[]
  readonly first: Action
}

function Form({ breakers, first }: FormProps) {
  const texts = lt.value
  const [chosen, choose] = useState(0)
  const [action, setAction] = useState(first)
  const [reason, setReason] = useState('')
  const [options, setOptions] = useState('')
  const [outcome, setOutcome] = useState<Outcome | 'sending' | undefined>(undefined)
  const breaker = breakers[chosen] as BreakerName
  const isSending = outcome === 'sending'
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    // The button stays reachable while it waits, so that the focus is not lost.
    if (isSending) return
    setOutcome('sending')
    const changed = action === 'reconfigure' ? objectOf(options) : undefined
    setOutcome(await act(breaker, action, reason.trim(), language.peek(), changed))
  }
  return (
    <form class="levers-form" onSubmit={send}>
      {breakers.length > 1 && (
        <label>
          {texts.which}
          <select name="breaker" value={String(chosen)} onChange={(event) => choose(Number(event.currentTarget.value))}>
            {breakers.map(({ shield, policy, state }, index) => (
              <option key={`${shield}/${policy}/${index}`} value={String(index)}>
                {`${shield} · ${policy} (${nameOf(state)})`}
              </option>
            ))}
          </select>
        </label>
      )}
      <fieldset>
        <legend>{texts.what}</legend>
        {ACTIONS.map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="action"
              value={each}
              checked={each === action}
              onChange={() => {
                setAction(each)
                setOutcome(undefined)
              }}
            />{' '}
            <strong>{texts.actions[each]}</strong> <span class="quiet">{texts.effects[each]}</span>
          </label>
        ))}
      </fieldset>
      {action === 'reconfigure' && (
        <label>
          {texts.options}
          <input
            type="text"
            name="options"
            required
            placeholder='{"openFor":"30s"}'
            autocomplete="off"
            spellcheck={false}
            value={options}
            onInput={({ currentTarget }) => {
              setOptions(currentTarget.value)
              currentTarget.setCustomValidity(objectOf(currentTarget.value) === undefined ? texts.notJson : '')
            }}
          />
        </label>
      )}
      <label>
        {texts.reason}
        <input
          type="text"
          name="reason"
          required
          pattern=".*\S.*"
          maxLength={REASON_CHARACTERS_MAX}
          autocomplete="off"
          aria-describedby="reason-hint"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      <p class="quiet" id="reason-hint">
        {texts.reasonHint}
      </p>
      <button type="submit" class="strong" aria-disabled={isSending}>
        {isSending ? texts.sending : texts.submit(texts.actions[action], breaker.shield)}
      </button>
      <Result outcome={outcome} />
    </form>
  )
}

/** What came of it. The elements exist before the text, so that screen readers announce it. */
function Result({ outcome }: { readonly outcome: Outcome | 'sending' | undefined }) {
  const texts = lt.value
  return (
    <>
      <p role="status">
        {typeof outcome !== 'object' || outcome.kind === 'refused'
          ? ''
          : outcome.kind === 'done'
            ? texts.done(nameOf(outcome.before), nameOf(outcome.after))
            : texts.unchanged(nameOf(outcome.after))}
      </p>
      <p role="alert" class="levers-refused">
        {typeof outcome === 'object' && outcome.kind === 'refused' && refusalText(outcome)}
      </p>
    </>
  )
}

function refusalText({ status, message }: Extract<Outcome, { kind: 'refused' }>): string {
  const texts = lt.value
  if (status === 0) return texts.unreachable
  const text = texts.refused[status] ?? texts.failed(String(status))
  return message === undefined ? text : `${text} ${texts.serviceSays(message)}`
}

function nameOf(state: string): string {
  return state === 'disabled' ? lt.value.disabled : textFor(t.value.states, state)
}

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
