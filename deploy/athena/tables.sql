-- Tables of the monthly report on Amazon Athena; written by deploy/athena/build.py.
-- Replace s3://EXAMPLE-BUCKET/trailkeeper with the location in the configuration.

CREATE EXTERNAL TABLE IF NOT EXISTS `curated_activity` (
  `object_id` bigint,
  `ordinal` bigint,
  `at_ms` bigint,
  `slot` bigint,
  `db_name` string,
  `user_name` string,
  `identity` string,
  `user_id` bigint,
  `pid` bigint,
  `xid` bigint,
  `statement_no` bigint,
  `statements` bigint,
  `verb` string,
  `verb_class` string,
  `object_name` string,
  `is_internal` boolean,
  `is_duplicate` boolean,
  `is_unfiltered` boolean,
  `is_stitched` boolean,
  `is_cut` boolean,
  `has_bad_bytes` boolean,
  `query_text` string,
  `fingerprint` string
)
PARTITIONED BY (`account` string, `region` string, `cluster` string, `day` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/curated/activity/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.account.type' = 'injected',
  'projection.region.type' = 'injected',
  'projection.cluster.type' = 'injected',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2018-01-01,NOW+1DAYS',
  'projection.day.interval' = '1',
  'projection.day.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/curated/activity/account=${account}/region=${region}/cluster=${cluster}/day=${day}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `curated_connection` (
  `object_id` bigint,
  `ordinal` bigint,
  `at_ms` bigint,
  `slot` bigint,
  `event` string,
  `remote_host` string,
  `remote_port` bigint,
  `pid` bigint,
  `db_name` string,
  `user_name` string,
  `identity` string,
  `auth_method` string,
  `duration_us` bigint,
  `tls_version` string,
  `tls_cipher` string,
  `iam_guid` string,
  `application_name` string,
  `os_version` string,
  `driver_version` string,
  `plugin_name` string,
  `protocol_version` string,
  `session_id` string,
  `compression` string,
  `columns` bigint,
  `is_repaired` boolean,
  `has_bad_bytes` boolean
)
PARTITIONED BY (`account` string, `region` string, `cluster` string, `day` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/curated/connection/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.account.type' = 'injected',
  'projection.region.type' = 'injected',
  'projection.cluster.type' = 'injected',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2018-01-01,NOW+1DAYS',
  'projection.day.interval' = '1',
  'projection.day.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/curated/connection/account=${account}/region=${region}/cluster=${cluster}/day=${day}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `curated_user_change` (
  `object_id` bigint,
  `ordinal` bigint,
  `at_ms` bigint,
  `slot` bigint,
  `user_id` bigint,
  `user_name` string,
  `old_name` string,
  `action` string,
  `create_db` boolean,
  `superuser` boolean,
  `catupd` boolean,
  `valid_until` string,
  `pid` bigint,
  `xid` bigint,
  `has_bad_bytes` boolean
)
PARTITIONED BY (`account` string, `region` string, `cluster` string, `day` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/curated/user_change/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.account.type' = 'injected',
  'projection.region.type' = 'injected',
  'projection.cluster.type' = 'injected',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2018-01-01,NOW+1DAYS',
  'projection.day.interval' = '1',
  'projection.day.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/curated/user_change/account=${account}/region=${region}/cluster=${cluster}/day=${day}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `curated_bad_line` (
  `object_id` bigint,
  `ordinal` bigint,
  `at_ms` bigint,
  `slot` bigint,
  `log_type` string,
  `reason` string,
  `line` string
)
PARTITIONED BY (`account` string, `region` string, `cluster` string, `day` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/curated/bad_line/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.account.type' = 'injected',
  'projection.region.type' = 'injected',
  'projection.cluster.type' = 'injected',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2018-01-01,NOW+1DAYS',
  'projection.day.interval' = '1',
  'projection.day.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/curated/bad_line/account=${account}/region=${region}/cluster=${cluster}/day=${day}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `helper_object_list` (
  `object_id` bigint,
  `object_no` bigint,
  `source_key` string,
  `log_type` string,
  `stamp_ms` bigint
)
PARTITIONED BY (`run` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/helper/object_list/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.run.type' = 'injected',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/helper/object_list/run=${run}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `helper_calendar` (
  `slot` bigint,
  `hour_index` bigint,
  `utc_day` string,
  `local_day` string,
  `local_hour` bigint,
  `weekday` bigint,
  `is_off_hours` boolean,
  `in_window` boolean
)
PARTITIONED BY (`run` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/helper/calendar/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.run.type' = 'injected',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/helper/calendar/run=${run}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `helper_sensitive` (
  `pattern` string,
  `name` string
)
PARTITIONED BY (`run` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/helper/sensitive/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.run.type' = 'injected',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/helper/sensitive/run=${run}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `helper_setting` (
  `burst_failures` bigint,
  `burst_ms` bigint,
  `month_start_ms` bigint,
  `month_end_ms` bigint
)
PARTITIONED BY (`run` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://EXAMPLE-BUCKET/trailkeeper/helper/setting/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.run.type' = 'injected',
  'storage.location.template' = 's3://EXAMPLE-BUCKET/trailkeeper/helper/setting/run=${run}/'
);
