/** Changes of lanes that are previewed before they are made. */
import { useTranslation } from 'react-i18next';

import type { Lane, LaneGroup } from '../api/kinds';
import { merge, remove } from '../api/requests';
import { change, preview, promote } from '../api/reviews';
import { commit } from '../lanes/commits';
import { contained, promoted } from '../lanes/lanes';
import * as references from '../lanes/references';
import { groupsLink } from '../routes';
import type { Planned } from './ConfirmChange';
import { go, useServed } from './hooks';

/** The field manager of deletions: it applies nothing. */
const SOURCE = 'laneway-console-deletions';

export interface Plans {
  enable: (lane: Lane, enabled: boolean) => Planned;
  makeBaseline: (lane: Lane) => Planned;
  promoteLane: (lane: Lane) => Planned;
  removeLane: (lane: Lane) => Planned;
  /** With all of its lanes, which mean nothing without it. */
  removeGroup: (lanes: readonly Lane[]) => Planned;
}

export function usePlans(group: LaneGroup): Plans {
  const { t } = useTranslation();
  const ofGroup = group.metadata.name;
  const hasPromotions = useServed('promotions');
  const hasChangeSets = useServed('changesets');
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
    removeLane: (lane) => {
      const { name } = lane.metadata;
      return {
        title: t('lane.delete', { name }),
        confirm: t('lane.delete', { name }),
        done: t('deleted', { name }),
        preview: () => preview([], [lane]),
        act: () => remove(lane),
        deletes: true,
        mayBreak: true,
      };
    },
    removeGroup: (lanes) => {
      const names = lanes.map(({ metadata }) => metadata.name).join(', ');
      return {
        title: t('group.delete', { name: ofGroup }),
        hint: lanes.length > 0 ? t('group.deleteLanes', { names }) : t('group.deleteEmpty'),
        confirm: t('group.delete', { name: ofGroup }),
        done: t('deleted', { name: ofGroup }),
        preview: () => preview([], [...lanes, group]),
        act: async () => {
          const all = [...lanes, group];
          if (hasChangeSets) await change(SOURCE, t('group.delete', { name: ofGroup }), [], all);
          else for (const each of all) await remove(each);
          go(groupsLink);
        },
        deletes: true,
      };
    },
  };
}
