import { expect, it } from 'vitest';

import { groupLink, link, neededBy, PLACES, read, tryLink } from './routes';

it('reads the links that it makes, whatever the names are', () => {
  for (const name of ['test', 'a/b', '泳道', '<b>', '%', '..']) {
    expect(read(groupLink(name))).toEqual({ page: 'group', group: name });
    expect(read(groupLink(name, 'lanes', 's1', 'rules'))).toEqual({
      page: 'rules',
      group: name,
      lane: 's1',
    });
  }
  expect(read(link('new-group'))).toEqual({ page: 'new-group' });
});

it('has the request to try in its query', () => {
  expect(read(tryLink('path=/a?b&host=x'))).toEqual({ page: 'try', query: 'path=/a?b&host=x' });
  expect(read(tryLink())).toEqual({ page: 'try', query: '' });
});

it('shows the traffic of a group, or of the first one', () => {
  expect(read(link('traffic', 'test'))).toEqual({ page: 'traffic', group: 'test' });
  expect(read(link('traffic'))).toEqual({ page: 'traffic', group: '' });
});

it('starts with the groups', () => {
  for (const fragment of ['', '#', '#/']) expect(read(fragment)).toEqual({ page: 'groups' });
});

it('knows what is no page', () => {
  for (const fragment of ['#/what', '#/groups', '#/groups/a/b/c', '#/groups/%zz/nothing']) {
    expect(read(fragment)).toEqual({ page: 'nowhere' });
  }
});

it('has the code of a link to sign in', () => {
  expect(read('#/sign-in/a_B-c')).toEqual({ page: 'sign-in', code: 'a_B-c' });
});

it('knows for every page of the menu what its server needs', () => {
  expect(PLACES.map((page) => neededBy({ page }))).toEqual([
    'traffic',
    'processes',
    'explanations',
    'analyses',
    'renderings',
    'proxies',
    'revisions',
  ]);
  expect(neededBy({ page: 'groups' })).toBeNull();
});
