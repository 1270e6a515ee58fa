/** Changes of lanes that are previewed before they are made. */
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { merge } from '../api/requests';
import { preview, promote } from '../api/reviews';
import { commit } from '../lanes/commits';
import { contained, promoted } from '../lanes/lanes';
import * as references from '../lanes/references';
import type { Planned } from './ConfirmChange';
import { useServed } from './hooks';

export interface Plans {
  enable: (lane: Lane, enabled: boolean) => Planned;
  makeBaseline: (lane: Lane) => Planned;
  promoteLane: (lane: Lane) => Planned;
}

export function usePlans(group: LaneGroup): Plans {
  const { t } = useTranslation();
  const ofGroup = group.metadata.name;
  const hasPromotions = useServed('promotions');
  const asPromotion = ({ metadata: { name } }: Lane) => ({
    preview: (force: boolean) => promote(ofGroup, name, { dryRun: true, force }),
    act: (force: boolean) => promote(ofGroup, name, { force }),
    mayForce: true,
  });
  /** In a cluster: what a promotion is to the lane group. */
  const asChange = (lane: Lane) => {
    const spec = { serviceBaselines: promoted(lane, group) };
    return {
      preview: () => preview([{ kind: 'LaneGroup', name: ofGroup, spec }]),
      act: () => merge('LaneGroup', ofGroup, spec),
    };
  };
  return {
    enable: (lane, enabled) => {
      const { name } = lane.metadata;
      return {
      title: enabled ? t('lane.enable', { name }) : t('lane.disable', { name }),
      ...(enabled ? {} : { hint: t('lane.enabledHint') }),
      confirm: enabled ? t('lane.doEnable') : t('lane.doDisable'),
      done: t('saved', { name }),
      preview: () => preview([{ kind: 'Lane', name, spec: { group: ofGroup, enabled } }]),
      act: () => merge('Lane', name, { enabled }),
      commit: commit(lane, { enabled }),
      };
    },
    makeBaseline: ({ metadata: { name } }) => ({
      title: t('lane.baselineOf', { name, group: ofGroup }),
      confirm: t('lane.setBaseline'),
      done: t('saved', { name: ofGroup }),
      preview: () => preview([{ kind: 'LaneGroup', name: ofGroup, spec: { baseline: name } }]),
      act: () => merge('LaneGroup', ofGroup, { baseline: name }),
      commit: commit(group, { baseline: name }),
    }),
    promoteLane: (lane) => ({
      title: t('lane.promoteOf', { name: lane.metadata.name }),
      hint: t('lane.promoteHint', {
        services: contained(lane, group).map(references.shown).join(', '),
      }),
      confirm: t('lane.promote'),
      done: t('lane.promoted', { name: lane.metadata.name }),
      ...(hasPromotions ? asPromotion(lane) : asChange(lane)),
      commit: commit(group, { serviceBaselines: promoted(lane, group) }),
    }),
  };
}
