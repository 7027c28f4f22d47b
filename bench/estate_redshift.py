"""The bench estate's Redshift side: clusters, logging status, parameter groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.answer import (
    Answer,
    Handler,
    Handlers,
    Params,
    always,
    chosen,
    from_json,
    query,
    query_error,
)

ACCOUNT = "111122223333"
REGION = "eu-west-1"
LOG_PREFIX = "redshift/"
NAMESPACE = "http://redshift.amazonaws.com/doc/2012-12-01/"
PAGE = 100

PARAMETERS = (
    ("auto_analyze", "true", "boolean", "true,false"),
    ("auto_mv", "true", "boolean", "true,false"),
    ("datestyle", "ISO, MDY", "string", ""),
    ("enable_case_sensitive_identifier", "false", "boolean", "true,false"),
    ("enable_user_activity_logging", "true", "boolean", "true,false"),
    ("extra_float_digits", "0", "integer", "-15-2"),
    ("max_concurrency_scaling_clusters", "1", "integer", "0-10"),
    ("max_cursor_result_set_size", "default", "integer", "0-14400000"),
    ("query_group", "default", "string", ""),
    ("require_ssl", "true", "boolean", "true,false"),
    ("search_path", "$user, public", "string", ""),
    ("statement_timeout", "0", "integer", "0,100-2147483647"),
    ("use_fips_ssl", "false", "boolean", "true,false"),
    ("wlm_json_configuration", '[{"auto_wlm":true}]', "string", ""),
)
SET_BY_USER = {"enable_user_activity_logging", "require_ssl", "wlm_json_configuration"}


@dataclass(frozen=True, slots=True)
class Size:
    """How large the estate is. Roles and parameter groups are shared by clusters."""

    clusters: int
    buckets: int
    roles: int = 20

    @property
    def groups(self) -> int:
        """Parameter groups: one for ten clusters."""
        return max(1, self.clusters // 10)


def cluster_name(index: int) -> str:
    """`warehouse-00000`."""
    return f"warehouse-{index:05d}"


def bucket_name(index: int) -> str:
    """`audit-logs-00000`."""
    return f"audit-logs-{index:05d}"


def role_name(index: int) -> str:
    """`warehouse-role-000`."""
    return f"warehouse-role-{index:03d}"


def stamp(moment: datetime) -> str:
    """As AWS writes times in XML."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def redshift(size: Size, now: datetime) -> Handlers:
    """How Redshift answers, Serverless (empty) included."""
    clusters = [_cluster(index, size, now) for index in range(size.clusters)]
    groups = [f"audited-{index:04d}" for index in range(size.groups)]
    statuses = {
        cluster_name(index): _logging_status(bucket_name(index % size.buckets), now)
        for index in range(size.clusters)
    }
    empty = b"<Events></Events>"
    return {
        ("redshift", "DescribeClusters"): _describe_clusters(clusters, tuple(statuses)),
        ("redshift", "DescribeLoggingStatus"): chosen(
            "ClusterIdentifier", statuses, query_error("ClusterNotFound")
        ),
        ("redshift", "DescribeClusterParameters"): _describe_parameters(frozenset(groups)),
        ("redshift", "DescribeEvents"): always(query(NAMESPACE, "DescribeEvents", empty)),
        ("redshift-serverless", "ListNamespaces"): always(from_json({"namespaces": []})),
        ("redshift-serverless", "ListWorkgroups"): always(from_json({"workgroups": []})),
    }


def _describe_clusters(clusters: list[bytes], names: tuple[str, ...]) -> Handler:
    """Pages of at most 100; the marker is the index of the page's first cluster."""
    by_name = dict(zip(names, clusters, strict=True))
    missing = query_error("ClusterNotFound")

    def handler(params: Params) -> Answer:
        if name := params.get("ClusterIdentifier"):
            return _clusters([by_name[name]], b"") if name in by_name else missing
        start = int(params.get("Marker") or 0)
        end = start + int(params.get("MaxRecords") or PAGE)
        marker = b"<Marker>%d</Marker>" % end if end < len(clusters) else b""
        return _clusters(clusters[start:end], marker)

    return handler


def _clusters(page: list[bytes], marker: bytes) -> Answer:
    result = b"%b<Clusters>%b</Clusters>" % (marker, b"".join(page))
    return query(NAMESPACE, "DescribeClusters", result)


def _describe_parameters(groups: frozenset[str]) -> Handler:
    operation = "DescribeClusterParameters"
    rows = {name: _parameter(name, *rest) for name, *rest in PARAMETERS}
    every = "".join(rows.values())
    set_by_user = "".join(row for name, row in rows.items() if name in SET_BY_USER)
    of_source = {
        source: query(NAMESPACE, operation, f"<Parameters>{listed}</Parameters>".encode())
        for source, listed in (("user", set_by_user), ("", every))
    }
    missing = query_error("ClusterParameterGroupNotFound")

    def handler(params: Params) -> Answer:
        known = params.get("ParameterGroupName") in groups
        return of_source[params.get("Source", "")] if known else missing

    return handler


def _parameter(name: str, value: str, kind: str, allowed: str) -> str:
    source = "user" if name in SET_BY_USER else "engine-default"
    return (
        f"<Parameter><ParameterName>{name}</ParameterName><ParameterValue>{value}</ParameterValue>"
        f"<Description>{name}</Description><Source>{source}</Source><DataType>{kind}</DataType>"
        f"<AllowedValues>{allowed}</AllowedValues><ApplyType>static</ApplyType>"
        f"<IsModifiable>true</IsModifiable></Parameter>"
    )


def _logging_status(bucket: str, now: datetime) -> Answer:
    delivered = stamp(now - timedelta(minutes=20))
    result = (
        f"<LoggingEnabled>true</LoggingEnabled><BucketName>{bucket}</BucketName>"
        f"<S3KeyPrefix>{LOG_PREFIX}</S3KeyPrefix>"
        f"<LastSuccessfulDeliveryTime>{delivered}</LastSuccessfulDeliveryTime>"
        "<LogDestinationType>s3</LogDestinationType><LogExports></LogExports>"
    )
    return query(NAMESPACE, "DescribeLoggingStatus", result.encode())


def _cluster(index: int, size: Size, now: datetime) -> bytes:
    """The members that a real, available cluster has, in their real proportion."""
    name = cluster_name(index)
    arn = f"arn:aws:redshift:{REGION}:{ACCOUNT}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{role_name(index % size.roles)}"
    host = f"{name}.abcdefghijkl.{REGION}.redshift.amazonaws.com"
    return (
        f"<Cluster><ClusterIdentifier>{name}</ClusterIdentifier><NodeType>ra3.xlplus</NodeType>"
        "<ClusterStatus>available</ClusterStatus>"
        "<ClusterAvailabilityStatus>Available</ClusterAvailabilityStatus>"
        "<MasterUsername>admin</MasterUsername><DBName>dev</DBName>"
        f"<Endpoint><Address>{host}</Address><Port>5439</Port></Endpoint>"
        f"<ClusterCreateTime>{stamp(now - timedelta(days=400))}</ClusterCreateTime>"
        "<AutomatedSnapshotRetentionPeriod>1</AutomatedSnapshotRetentionPeriod>"
        "<ManualSnapshotRetentionPeriod>-1</ManualSnapshotRetentionPeriod>"
        "<ClusterSecurityGroups></ClusterSecurityGroups><VpcSecurityGroups><VpcSecurityGroup>"
        "<VpcSecurityGroupId>sg-0123456789abcdef0</VpcSecurityGroupId><Status>active</Status>"
        "</VpcSecurityGroup></VpcSecurityGroups>"
        f"<ClusterParameterGroups>{_group_status(index % size.groups)}</ClusterParameterGroups>"
        "<ClusterSubnetGroupName>warehouses</ClusterSubnetGroupName>"
        "<VpcId>vpc-0123456789abcdef0</VpcId>"
        f"<AvailabilityZone>{REGION}a</AvailabilityZone>"
        "<PreferredMaintenanceWindow>sun:03:00-sun:03:30</PreferredMaintenanceWindow>"
        "<PendingModifiedValues></PendingModifiedValues><ClusterVersion>1.0</ClusterVersion>"
        "<AllowVersionUpgrade>true</AllowVersionUpgrade><NumberOfNodes>2</NumberOfNodes>"
        "<PubliclyAccessible>false</PubliclyAccessible><Encrypted>true</Encrypted>"
        f"<ClusterNodes>{_node('LEADER')}{_node('COMPUTE-0')}{_node('COMPUTE-1')}</ClusterNodes>"
        "<ClusterRevisionNumber>87654</ClusterRevisionNumber>"
        "<Tags><Tag><Key>environment</Key><Value>production</Value></Tag>"
        f"<Tag><Key>owner</Key><Value>team-{index % 9}</Value></Tag></Tags>"
        f"<KmsKeyId>arn:aws:kms:{REGION}:{ACCOUNT}:key/{index:08d}-0000-4000-8000-000000000000"
        "</KmsKeyId><EnhancedVpcRouting>false</EnhancedVpcRouting>"
        f"<IamRoles><ClusterIamRole><IamRoleArn>{role}</IamRoleArn>"
        "<ApplyStatus>in-sync</ApplyStatus></ClusterIamRole></IamRoles>"
        "<MaintenanceTrackName>current</MaintenanceTrackName><DeferredMaintenanceWindows>"
        "</DeferredMaintenanceWindows>"
        f"<NextMaintenanceWindowStartTime>{stamp(now + timedelta(days=3))}"
        "</NextMaintenanceWindowStartTime>"
        "<AvailabilityZoneRelocationStatus>disabled</AvailabilityZoneRelocationStatus>"
        f"<ClusterNamespaceArn>{arn}:namespace:{index:08d}-1111-4000-8000-000000000000"
        "</ClusterNamespaceArn><TotalStorageCapacityInMegaBytes>65536000"
        "</TotalStorageCapacityInMegaBytes><MultiAZ>Disabled</MultiAZ></Cluster>"
    ).encode()


def _node(role: str) -> str:
    return (
        f"<member><NodeRole>{role}</NodeRole><PrivateIPAddress>10.0.0.1</PrivateIPAddress></member>"
    )


def _group_status(group: int) -> str:
    statuses = "".join(
        f"<member><ParameterName>{name}</ParameterName>"
        "<ParameterApplyStatus>in-sync</ParameterApplyStatus></member>"
        for name, *_ in PARAMETERS
    )
    return (
        f"<ClusterParameterGroup><ParameterGroupName>audited-{group:04d}</ParameterGroupName>"
        "<ParameterApplyStatus>in-sync</ParameterApplyStatus>"
        f"<ClusterParameterStatusList>{statuses}</ClusterParameterStatusList>"
        "</ClusterParameterGroup>"
    )
