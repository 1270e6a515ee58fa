/**
 * Reasons in Chinese: the heading above what the server says in English. An English page has the
 * server's own words alone.
 */
import { zhFindings } from './findings';

type Sentences = Readonly<Record<string, string>>;

/** Of conditions of lanes and lane groups. An object that is not accepted has the code of a finding. */
const conditions: Sentences = {
  AcknowledgedByProxies: '所有已连接的代理都已确认配置。',
  Applied: '配置已写入集群。',
  Disabled: '泳道已停用，指定该泳道的请求视为未指定泳道。',
  Expired: '泳道已到期，指定该泳道的请求视为未指定泳道。',
  Failed: '配置未能写入集群。',
  GroupNotAccepted: '所属泳道组的配置有误，或仍使用最近一次有效的配置。',
  Held: '泳道组的配置有误，仍使用最近一次有效的配置。',
  InstancesReady: '各服务都有就绪的实例。',
  InternalError: 'laneway 内部错误，已生效的配置保持不变。',
  NoReadyInstance: '部分服务没有就绪的实例。',
  NotAccepted: '配置有误，未生效。',
  NotAcknowledged: '部分代理尚未确认最新的配置。',
  NotActive: '没有已生效的配置。',
  NotProgrammed: '配置尚未生效。',
  Partial: '部分配置没有写入集群。',
  PodsOfSeveralLanes: '部分 Pod 同时属于其他泳道。',
  RejectedByProxies: '代理拒绝了配置。',
  Valid: '配置有效。',
};

/** Of refused requests. */
const failures: Sentences = {
  AlreadyExists: '同名的对象已存在。',
  BadGateway: '上游服务器的响应有误。',
  BadRequest: '请求有误。',
  Conflict: '与当前状态冲突。',
  Expired: '所请求的版本已不再保留。',
  Forbidden: '您没有权限执行该操作。',
  InsufficientStorage: '服务器的磁盘空间不足。',
  InternalError: '服务器内部错误。',
  Invalid: '内容有误。',
  MethodNotAllowed: '不支持该操作。',
  NotAcceptable: '服务器不支持所请求的格式。',
  NotFound: '对象不存在。',
  Refused: '集群的 API Server 拒绝了请求。',
  RequestEntityTooLarge: '请求内容过大。',
  ServiceUnavailable: '服务暂时不可用，请稍后重试。',
  Timeout: '请求超时，请重试。',
  TooManyRequests: '请求过于频繁，请稍后重试。',
  Unauthorized: '登录已失效，请重新登录。',
  UnsupportedMediaType: '服务器不支持该内容类型。',
};

/** Of the causes of a refusal that are no findings. */
const causes: Sentences = {
  FieldManagerConflict: '该字段由其他来源管理。',
  FieldValueInvalid: '值无效。',
  FieldValueRequired: '缺少必填字段。',
  NotProgrammed: '代理没有采用该变更。',
  NotWrittenByChangeSets: '此处不能写入该类型的对象。',
  ResourceVersionTooLarge: '所请求的版本尚不存在。',
  UnknownKind: 'laneway 不认识该类型。',
};

/** `UNKNOWN_SERVICE` as conditions write it: `UnknownService`. */
function asReason(code: string): string {
  return code
    .split('_')
    .map((part) => part.charAt(0) + part.slice(1).toLowerCase())
    .join('');
}

const findingsAsReasons = Object.entries(zhFindings).map(([code, text]) => [asReason(code), text]);

export const zhReasons = {
  conditions: { ...(Object.fromEntries(findingsAsReasons) as Sentences), ...conditions },
  problems: { ...failures, ...causes, ...zhFindings },
};

/** What has reasons: a condition of an object, or a refusal, its causes and findings. */
export type Reasoned = keyof typeof zhReasons;
