import type { Account } from './account.ts'
import { isVerified } from './account.ts'
import { type Answer, answered, element, entries, refused } from './answers.ts'
import type { Query } from './query.ts'
import { unknownSet } from './submission.ts'

/** Answers every action besides the two that send. `sentByInbox` counts recipients of the last 24 hours. */
export function answerTo(query: Query, account: Account, sentByInbox: number): Answer {
  const { action } = query
  switch (action) {
    case 'GetSendQuota':
      return answered(action, [
        element('Max24HourSend', account.max24HourSend),
        element('MaxSendRate', account.maxSendRate),
        element('SentLast24Hours', account.sentByOthers + sentByInbox),
      ])
    case 'GetAccountSendingEnabled':
      return answered(action, [element('Enabled', account.sendingEnabled)])
    case 'UpdateAccountSendingEnabled':
      account.sendingEnabled = query.one('Enabled') === 'true'
      return answered(action)
    case 'GetIdentityVerificationAttributes':
      return answered(action, [element('VerificationAttributes', verification(query, account))])
    case 'GetIdentityDkimAttributes':
      return answered(action, [element('DkimAttributes', dkim(query, account))])
    case 'DescribeConfigurationSet':
      return describeConfigurationSet(query, account)
    case 'UpdateConfigurationSetSendingEnabled':
      return updateConfigurationSet(query, account)
    default:
      return refused('InvalidAction', `Could not find operation ${action || '(none)'} for version 2010-12-01`)
  }
}

function verification(query: Query, account: Account) {
  return entries(query.many('Identities'), (identity) => [
    element('VerificationStatus', isVerified(account, identity) ? 'Success' : 'Pending'),
  ])
}

function dkim(query: Query, account: Account) {
  return entries(query.many('Identities'), (identity) => [
    element('DkimEnabled', isVerified(account, identity)),
    element('DkimVerificationStatus', isVerified(account, identity) ? 'Success' : 'NotStarted'),
  ])
}

function describeConfigurationSet(query: Query, account: Account): Answer {
  const name = query.one('ConfigurationSetName') ?? ''
  const set = account.configurationSets[name]
  if (!set) return unknownSet(name)
  const described = [element('ConfigurationSet', [element('Name', name)])]
  if (query.many('ConfigurationSetAttributeNames').includes('reputationOptions')) {
    const options = [element('SendingEnabled', set.sendingEnabled), element('ReputationMetricsEnabled', false)]
    described.push(element('ReputationOptions', options))
  }
  return answered(query.action, described)
}

function updateConfigurationSet(query: Query, account: Account): Answer {
  const name = query.one('ConfigurationSetName') ?? ''
  const set = account.configurationSets[name]
  if (!set) return unknownSet(name)
  set.sendingEnabled = query.one('Enabled') === 'true'
  return answered(query.action)
}
