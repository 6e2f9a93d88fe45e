"""The operator's command: ``pipenv run migration VERB``; one file per concern.

``ENVIRONMENT`` names the environment (default ``dev``). The credentials in use must be allowed to
call states:StartExecution, StopExecution, ListExecutions, DescribeExecution, GetExecutionHistory,
SendTaskSuccess and SendTaskFailure on the state machine; s3:GetObject, PutObject, DeleteObject and
ListBucket on the checkpoint bucket, with its key; lambda:InvokeFunction on rollback-handler and
traffic-handler; and to read, for ``status``, dms:DescribeReplicationTasks,
cloudwatch:GetMetricData, ssm:GetParameter on the routing parameter and apigateway:GET.
"""
