/** A field of a form: its label, its control, and what the API finds wrong with it. */
import { Form } from 'antd';
import { useId, type ReactNode } from 'react';

import type { Finding } from '../api/requests';
import { Told } from './Told';

interface Props {
  label: string;
  hint?: string | undefined;
  findings: readonly Finding[];
  required?: boolean;
  /** `group` is for several controls, which have labels of their own. */
  group?: boolean;
  children: (id: string, described: { 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode;
}

export function Field({ label, hint, findings, required = false, group = false, children }: Props) {
  const id = useId();
  const wrong = findings.length > 0;
  const described = {
    ...(wrong || hint ? { 'aria-describedby': `${id}-help` } : {}),
    ...(wrong ? { 'aria-invalid': true as const } : {}),
  };
  const help = wrong
    ? findings.map(({ message, reason }, index) => (
        <div key={index}>
          <Told of="problems" reason={reason} text={message} />
        </div>
      ))
    : hint;
  return (
    <Form.Item
      label={group ? <span id={`${id}-label`}>{label}</span> : label}
      {...(group ? {} : { htmlFor: id })}
      required={required}
      {...(wrong ? { validateStatus: 'error' as const } : {})}
      help={
        help ? (
          <span id={`${id}-help`} className="help" role={wrong ? 'alert' : undefined}>
            {help}
          </span>
        ) : undefined
      }
    >
      {group ? (
        <div role="group" aria-labelledby={`${id}-label`} aria-describedby={described['aria-describedby']}>
          {children(id, described)}
        </div>
      ) : (
        children(id, described)
      )}
    </Form.Item>
  );
}
