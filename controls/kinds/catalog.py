"""The kinds there are, in the order in which they are collected."""

from __future__ import annotations

from controls.kinds.audit_log import AUDIT_LOG
from controls.kinds.audit_report import AUDIT_REPORT
from controls.kinds.cloudwatch_log_group import CLOUDWATCH_LOG_GROUP
from controls.kinds.kind import Kind
from controls.kinds.redshift_cluster import REDSHIFT_CLUSTER
from controls.kinds.redshift_role import REDSHIFT_ROLE
from controls.kinds.redshift_serverless_namespace import REDSHIFT_SERVERLESS_NAMESPACE
from controls.kinds.redshift_serverless_workgroup import REDSHIFT_SERVERLESS_WORKGROUP
from controls.kinds.s3_log_bucket import S3_LOG_BUCKET
from controls.kinds.s3_log_location import S3_LOG_LOCATION

KINDS: tuple[Kind, ...] = (
    REDSHIFT_CLUSTER,
    REDSHIFT_SERVERLESS_NAMESPACE,
    REDSHIFT_SERVERLESS_WORKGROUP,
    AUDIT_LOG,
    AUDIT_REPORT,
    S3_LOG_BUCKET,
    S3_LOG_LOCATION,
    CLOUDWATCH_LOG_GROUP,
    REDSHIFT_ROLE,
)
