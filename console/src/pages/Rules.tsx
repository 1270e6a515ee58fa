/** 引流规则: which requests may enter a lane at the gateway. */
import { MinusCircleOutlined, PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Input, Select, Space, Switch, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import type { Finding } from '../api/requests';
import { at } from '../lanes/findings';
import { servicesOf } from '../lanes/lanes';
import { shown } from '../lanes/references';
import {
  newRule,
  ruleValues,
  withRules,
  type MatchKind,
  type NamedMatch,
  type RuleValues,
} from '../lanes/ruleForm';
import { EditorPage } from '../parts/EditorPage';
import { Field } from '../parts/Field';
import { useMayEditLanes } from '../parts/hooks';
import { useForm } from '../parts/useForm';
import { groupLink, groupsLink } from '../routes';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** What a rule may have and this form does not show. */
const ALSO = ['enter', 'weight', 'sticky'] as const;

interface Props {
  group: LaneGroup;
  lane: Lane;
  isGone?: boolean;
}

export function Rules({ group, lane, isGone = false }: Props) {
  const { t } = useTranslation();
  const name = lane.metadata.name;
  const form = useForm(`rules.${name}`, { rules: ruleValues(lane) }, lane.metadata.generation);
  const mayEdit = useMayEditLanes(group.metadata.name);
  const { rules } = form.values;
  const change = (next: RuleValues[]): void => form.change({ rules: next });
  const services = servicesOf(group);
  const add = (): void => {
    const service = rules.at(-1)?.service ?? services[0] ?? '';
    change([...rules, newRule(service, freeName(rules))]);
  };
  const none = group.spec.ingress?.length ? t('rules.inherited') : t('rules.none');
  return (
    <EditorPage<{ rules: RuleValues[] }>
      title={t('rules.of', { name })}
      trail={[
        { name: t('groups.title'), to: groupsLink },
        { name: group.metadata.name, to: groupLink(group.metadata.name) },
      ]}
      form={form}
      object={(each) => withRules(lane, each.rules)}
      before={lane}
      isGone={isGone}
      paths={rules.flatMap((_, index) => FIELDS.map((field) => `spec.ingress[${index}].${field}`))}
      mayEdit={mayEdit}
      back={groupLink(group.metadata.name)}
      saved={groupLink(group.metadata.name)}
    >
      {(findings) => (
        <>
          <Typography.Paragraph type="secondary">
            {t('rules.intro', { header: group.spec.routeHeader, lane: name })}
          </Typography.Paragraph>
          {group.spec.gateway === undefined && (
            <Alert type="warning" showIcon title={t('rules.noGateway')} />
          )}
          {rules.length === 0 && <Alert type="info" showIcon title={none} />}
          {rules.map((rule, index) => (
            <Rule
              key={index}
              number={index + 1}
              rule={rule}
              services={services}
              mayEdit={mayEdit}
              findings={findings}
              path={`spec.ingress[${index}]`}
              onChange={(next) => change(rules.map((each, i) => (i === index ? next : each)))}
              onRemove={() => change(rules.filter((_, i) => i !== index))}
            />
          ))}
          {mayEdit && (
            <Button type="dashed" block icon={<PlusOutlined aria-hidden />} onClick={add}>
              {t('rules.add')}
            </Button>
          )}
        </>
      )}
    </EditorPage>
  );
}

const FIELDS = ['destination', 'name', 'hosts', 'uri', 'headers', 'query', 'methods'];

function freeName(rules: readonly RuleValues[]): string {
  let number = rules.length + 1;
  while (rules.some(({ name }) => name === `r${number}`)) number += 1;
  return `r${number}`;
}

interface RuleProps {
  number: number;
  rule: RuleValues;
  services: string[];
  mayEdit: boolean;
  findings: readonly Finding[];
  path: string;
  onChange: (rule: RuleValues) => void;
  onRemove: () => void;
}

function Rule({ number, rule, services, mayEdit, findings, path, onChange, onRemove }: RuleProps) {
  const { t } = useTranslation();
  const set = (changed: Partial<RuleValues>): void => onChange({ ...rule, ...changed });
  const also = ALSO.filter((field) => rule.before?.[field]);
  const of = (field: string): Finding[] => at(findings, `${path}.${field}`);
  return (
    <Card
      size="small"
      className="rule"
      role="group"
      aria-label={t('rules.rule', { number })}
      title={t('rules.rule', { number })}
      extra={
        <Space>
          <Switch
            checked={rule.online}
            aria-label={t('rules.online')}
            checkedChildren={t('rules.online')}
            unCheckedChildren={t('rules.offline')}
            onChange={(online) => set({ online })}
          />
          {mayEdit && (
            <Button size="small" danger onClick={onRemove}>
              {t('actions.remove')}
            </Button>
          )}
        </Space>
      }
    >
      <div className="columns">
        <Field label={t('rules.service')} required findings={of('destination')}>
          {(id, described) => (
            <Select
              id={id}
              {...described}
              value={rule.service}
              onChange={(service) => set({ service })}
              options={[...new Set([...services, rule.service])].map((each) => ({
                value: each,
                label: shown(each),
              }))}
            />
          )}
        </Field>
        <Field label={t('rules.name')} required findings={of('name')}>
          {(id, described) => (
            <Input
              id={id}
              {...described}
              value={rule.name}
              onChange={({ target }) => set({ name: target.value })}
              autoComplete="off"
            />
          )}
        </Field>
        <Field label={t('rules.hosts')} required findings={of('hosts')}>
          {(id, described) => (
            <Select
              id={id}
              {...described}
              mode="tags"
              open={false}
              suffixIcon={null}
              tokenSeparators={[',', ' ', '，']}
              value={rule.hosts}
              onChange={(hosts: string[]) => set({ hosts })}
            />
          )}
        </Field>
        <Field label={t('rules.methods')} findings={of('methods')}>
          {(id, described) => (
            <Select
              id={id}
              {...described}
              mode="tags"
              placeholder={t('rules.anyMethod')}
              value={rule.methods}
              onChange={(methods: string[]) => set({ methods })}
              options={METHODS.map((value) => ({ value }))}
            />
          )}
        </Field>
      </div>
      <Field label={t('rules.uri')} findings={of('uri')} group>
        {() => (
          <Space.Compact block>
            <MatchKindSelect
              any
              value={rule.uri?.kind ?? null}
              onChange={(kind) =>
                set({ uri: kind === null ? null : { kind, text: rule.uri?.text ?? '' } })
              }
            />
            <Input
              aria-label={`${t('rules.uri')}: ${t('rules.value')}`}
              placeholder="/mock"
              value={rule.uri?.text ?? ''}
              disabled={rule.uri === null || !mayEdit}
              onChange={({ target }) =>
                set({ uri: { kind: rule.uri?.kind ?? 'exact', text: target.value } })
              }
            />
          </Space.Compact>
        )}
      </Field>
      <Field label={t('rules.headers')} findings={of('headers')} group>
        {() => (
          <NamedMatches
            what={t('rules.headers')}
            matches={rule.headers}
            mayEdit={mayEdit}
            onChange={(headers) => set({ headers })}
          />
        )}
      </Field>
      <Field label={t('rules.query')} findings={of('query')} group>
        {() => (
          <NamedMatches
            what={t('rules.query')}
            matches={rule.query}
            mayEdit={mayEdit}
            onChange={(query) => set({ query })}
          />
        )}
      </Field>
      {also.length > 0 && (
        <Typography.Text type="secondary">
          {t('rules.also', { fields: also.join(', ') })}
        </Typography.Text>
      )}
    </Card>
  );
}

interface KindProps {
  value: MatchKind | null;
  any?: boolean;
  onChange: (kind: MatchKind | null) => void;
}

function MatchKindSelect({ value, any = false, onChange }: KindProps) {
  const { t } = useTranslation();
  const kinds = (['exact', 'prefix', 'regex'] as const).map((kind) => ({
    value: kind as string,
    label: t(`rules.${kind}`),
  }));
  return (
    <Select
      className="kind"
      aria-label={t('rules.match')}
      value={value ?? 'any'}
      onChange={(kind) => onChange(kind === 'any' ? null : (kind as MatchKind))}
      options={any ? [{ value: 'any', label: t('rules.any') }, ...kinds] : kinds}
    />
  );
}

interface MatchesProps {
  what: string;
  matches: NamedMatch[];
  mayEdit: boolean;
  onChange: (matches: NamedMatch[]) => void;
}

function NamedMatches({ what, matches, mayEdit, onChange }: MatchesProps) {
  const { t } = useTranslation();
  const set = (index: number, changed: Partial<NamedMatch>): void =>
    onChange(matches.map((each, i) => (i === index ? { ...each, ...changed } : each)));
  return (
    <>
      {matches.map((match, index) => (
        <Space.Compact key={index} block className="pair">
          <Input
            aria-label={`${what}: ${t('rules.conditionName')}`}
            placeholder={t('rules.conditionName')}
            value={match.name}
            onChange={({ target }) => set(index, { name: target.value })}
          />
          <MatchKindSelect
            value={match.kind}
            onChange={(kind) => kind !== null && set(index, { kind })}
          />
          <Input
            aria-label={`${what}: ${t('rules.value')}`}
            placeholder={t('rules.value')}
            value={match.text}
            onChange={({ target }) => set(index, { text: target.value })}
          />
          <Button
            icon={<MinusCircleOutlined aria-hidden />}
            aria-label={`${t('actions.remove')} ${match.name}`}
            onClick={() => onChange(matches.filter((_, i) => i !== index))}
          />
        </Space.Compact>
      ))}
      {mayEdit && (
        <Button
          type="link"
          size="small"
          icon={<PlusOutlined aria-hidden />}
          aria-label={`${t('actions.add')}: ${what}`}
          onClick={() => onChange([...matches, { name: '', kind: 'exact', text: '' }])}
        >
          {t('actions.add')}
        </Button>
      )}
    </>
  );
}
