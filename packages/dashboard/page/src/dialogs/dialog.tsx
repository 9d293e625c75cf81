import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../state/state.ts'

interface DialogProps {
  readonly isOpen: boolean
  readonly title: string
  readonly name: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** A native dialog. It traps the focus, closes on Escape and then restores the focus. */
export function Dialog({ isOpen, title, name, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = dialog.current
    if (element === null) return
    if (isOpen && !element.open) element.showModal()
    if (!isOpen && element.open) element.close()
  }, [isOpen])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click outside the dialog closes it; on the keyboard Escape does
    <dialog
      ref={dialog}
      class={name}
      aria-labelledby={`${name}-title`}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      {isOpen && (
        <div class="dialog-body">
          <div class="figure-head">
            <h2 id={`${name}-title`}>{title}</h2>
            <button type="button" onClick={onClose}>
              {t.value.close}
            </button>
          </div>
          {children}
        </div>
      )}
    </dialog>
  )
}
