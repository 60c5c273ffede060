// Made from dotnet-signatures.json by crates/csharp/examples/tables.rs.
namespace ApimStub
{
    public class Authorization
    {
        private Authorization() { }
        public string AccessToken { get { throw new System.Exception(); } }
        public System.Collections.Generic.IReadOnlyDictionary<string, object> Claims { get { throw new System.Exception(); } }
    }
    public class BasicAuthCredentials
    {
        private BasicAuthCredentials() { }
        public string Password { get { throw new System.Exception(); } }
        public string UserId { get { throw new System.Exception(); } }
        public string Username { get { throw new System.Exception(); } }
    }
    public static class CryptographyExtensions
    {
        public static byte[] Decrypt(this byte[] input, System.Security.Cryptography.SymmetricAlgorithm alg) { throw new System.Exception(); }
        public static byte[] Decrypt(this byte[] input, System.Security.Cryptography.SymmetricAlgorithm alg, byte[] key, byte[] iv) { throw new System.Exception(); }
        public static byte[] Decrypt(this byte[] input, string alg, byte[] key, byte[] iv) { throw new System.Exception(); }
        public static byte[] Encrypt(this byte[] input, System.Security.Cryptography.SymmetricAlgorithm alg) { throw new System.Exception(); }
        public static byte[] Encrypt(this byte[] input, System.Security.Cryptography.SymmetricAlgorithm alg, byte[] key, byte[] iv) { throw new System.Exception(); }
        public static byte[] Encrypt(this byte[] input, string alg, byte[] key, byte[] iv) { throw new System.Exception(); }
        public static bool VerifyNoRevocation(this System.Security.Cryptography.X509Certificates.X509Certificate2 input) { throw new System.Exception(); }
    }
    public static class ExpressionSyntaxExtensions
    {
        public static ApimStub.BasicAuthCredentials AsBasic(this string input) { throw new System.Exception(); }
        public static ApimStub.Jwt AsJwt(this string input) { throw new System.Exception(); }
        public static string GetValueOrDefault(this System.Collections.Generic.IReadOnlyDictionary<string, string[]> dictionary, string headerName) { throw new System.Exception(); }
        public static string GetValueOrDefault(this System.Collections.Generic.IReadOnlyDictionary<string, string[]> dictionary, string headerName, string defaultValue) { throw new System.Exception(); }
        public static T GetValueOrDefault<T>(this System.Collections.Generic.IReadOnlyDictionary<string, object> dictionary, string key, T defaultValue = default(T)) { throw new System.Exception(); }
        public static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IDictionary<TKey, TValue> dictionary, TKey key) { throw new System.Exception(); }
        public static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IDictionary<TKey, TValue> dictionary, TKey key, TValue defaultValue) { throw new System.Exception(); }
        public static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IReadOnlyDictionary<TKey, TValue> dictionary, TKey key) { throw new System.Exception(); }
        public static TValue GetValueOrDefault<TKey, TValue>(this System.Collections.Generic.IReadOnlyDictionary<TKey, TValue> dictionary, TKey key, TValue defaultValue) { throw new System.Exception(); }
        public static string ToFormUrlEncodedContent(this System.Collections.Generic.IDictionary<string, System.Collections.Generic.IList<string>> content) { throw new System.Exception(); }
        public static string ToQueryString(this System.Collections.Generic.IDictionary<string, System.Collections.Generic.IList<string>> content) { throw new System.Exception(); }
        public static bool TryParseBasic(this string input, out ApimStub.BasicAuthCredentials result) { throw new System.Exception(); }
        public static bool TryParseJwt(this string input, out ApimStub.Jwt result) { throw new System.Exception(); }
    }
    public interface IApi
    {
        string Id { get; }
        string Name { get; }
        string Path { get; }
        System.Collections.Generic.IEnumerable<string> Protocols { get; }
        ApimStub.IUrl ServiceUrl { get; }
        ApimStub.SubscriptionKeyParameterNames SubscriptionKeyParameterNames { get; }
    }
    public interface IAzureVnetInfo
    {
        int PrivateLinkId { get; }
        string SnatVip { get; }
        int SubnetId { get; }
        int VnetTrafficTag { get; }
    }
    public interface IContextApi : ApimStub.IApi
    {
        bool IsCurrentRevision { get; }
        string Revision { get; }
        string Version { get; }
    }
    public interface IDeployment
    {
        System.Collections.Generic.IReadOnlyCollection<ApimStub.IUrl> BaseUrls { get; }
        System.Collections.Generic.IReadOnlyDictionary<string, System.Security.Cryptography.X509Certificates.X509Certificate2> Certificates { get; }
        ApimStub.IGateway Gateway { get; }
        string GatewayId { get; }
        string Region { get; }
        string ServiceId { get; }
        string ServiceName { get; }
        string Sku { get; }
        int Units { get; }
    }
    public interface IGateway
    {
        string Id { get; }
        string InstanceId { get; }
        bool IsManaged { get; }
    }
    public interface IGraphQL
    {
        Newtonsoft.Json.Linq.JObject Arguments { get; }
        Newtonsoft.Json.Linq.JObject Parent { get; }
    }
    public interface IGroup
    {
        string Id { get; }
        string Name { get; }
    }
    public interface IMessage
    {
        ApimStub.IMessageBody Body { get; }
        System.Collections.Generic.IReadOnlyDictionary<string, string[]> Headers { get; }
    }
    public interface IMessageBody
    {
        T As<T>(bool preserveContent=false) where T : class;
        System.Collections.Generic.IDictionary<string, System.Collections.Generic.IList<string>> AsFormUrlEncodedContent(bool preserveContent=false);
        ApimStub.ISoapMessage AsSoap(bool preserveContent=false);
    }
    public interface IOperation
    {
        string Id { get; }
        string Method { get; }
        string Name { get; }
        string UrlTemplate { get; }
    }
    public interface IParentResult
    {
        Newtonsoft.Json.Linq.JObject AsJObject();
    }
    public interface IPrivateEndpointConnection
    {
        string GroupId { get; }
        string MemberName { get; }
        string Name { get; }
    }
    public interface IProduct
    {
        System.Collections.Generic.IEnumerable<ApimStub.IApi> Apis { get; }
        bool ApprovalRequired { get; }
        System.Collections.Generic.IEnumerable<ApimStub.IGroup> Groups { get; }
        string Id { get; }
        string Name { get; }
        ApimStub.ProductState State { get; }
        int? SubscriptionLimit { get; }
        bool SubscriptionRequired { get; }
        int? SubscriptionsLimit { get; }
    }
    public interface IProxyRequestContext
    {
        ApimStub.IContextApi Api { get; }
        ApimStub.IDeployment Deployment { get; }
        System.TimeSpan Elapsed { get; }
        ApimStub.IGraphQL GraphQL { get; }
        ApimStub.ProxyError LastError { get; }
        ApimStub.IOperation Operation { get; }
        ApimStub.IParentResult ParentResult { get; }
        ApimStub.IProduct Product { get; }
        ApimStub.IRequest Request { get; }
        System.Guid RequestId { get; }
        ApimStub.IResponse Response { get; }
        ApimStub.ISubscription Subscription { get; }
        System.DateTime Timestamp { get; }
        void Trace(string message);
        void Trace(string source, object data);
        bool Tracing { get; }
        ApimStub.IUser User { get; }
        System.Collections.Generic.IReadOnlyDictionary<string, object> Variables { get; }
        ApimStub.IWorkspace Workspace { get; }
    }
    public interface IRequest : ApimStub.IMessage
    {
        ApimStub.IAzureVnetInfo AzureVnetInfo { get; }
        System.Security.Cryptography.X509Certificates.X509Certificate2 Certificate { get; }
        System.Collections.Generic.IEnumerable<System.Security.Cryptography.X509Certificates.X509Certificate> ClientCertificates { get; }
        bool HasBody { get; }
        string IpAddress { get; }
        System.Collections.Generic.IReadOnlyDictionary<string, string> MatchedParameters { get; }
        string Method { get; }
        string OriginalMethod { get; }
        ApimStub.IUrl OriginalUrl { get; }
        ApimStub.IPrivateEndpointConnection PrivateEndpointConnection { get; }
        ApimStub.IUrl Url { get; }
    }
    public interface IResponse : ApimStub.IMessage
    {
        int StatusCode { get; }
        string StatusReason { get; }
    }
    public interface ISoapBody
    {
        System.Xml.Linq.XElement Contents { get; }
        System.Xml.Linq.XName Name { get; }
    }
    public interface ISoapHeader
    {
        System.Uri Actor { get; }
        bool MustUnderstand { get; }
        System.Xml.Linq.XName Name { get; }
        string Value { get; }
    }
    public interface ISoapMessage
    {
        string Action { get; }
        ApimStub.ISoapBody Body { get; }
        System.Collections.Generic.IEnumerable<ApimStub.ISoapHeader> Headers { get; }
        ApimStub.SoapVersionLiteral Version { get; }
    }
    public interface ISubscription
    {
        System.DateTime CreatedDate { get; }
        System.DateTime? EndDate { get; }
        string Id { get; }
        string Key { get; }
        string Name { get; }
        string PrimaryKey { get; }
        string SecondaryKey { get; }
        System.DateTime? StartDate { get; }
    }
    public interface IUrl
    {
        string Host { get; }
        string Path { get; }
        int Port { get; }
        System.Collections.Generic.IReadOnlyDictionary<string, string[]> Query { get; }
        string QueryString { get; }
        string Scheme { get; }
        string ToString();
        System.Uri ToUri();
    }
    public interface IUser
    {
        string Email { get; }
        string FirstName { get; }
        System.Collections.Generic.IEnumerable<ApimStub.IGroup> Groups { get; }
        string Id { get; }
        System.Collections.Generic.IEnumerable<ApimStub.IUserIdentity> Identities { get; }
        string LastName { get; }
        string Note { get; }
        System.DateTime RegistrationDate { get; }
    }
    public interface IUserIdentity
    {
        string Id { get; }
        string Provider { get; }
    }
    public interface IWorkspace
    {
        string Id { get; }
        string Name { get; }
    }
    public class Jwt
    {
        private Jwt() { }
        public string Algorithm { get { throw new System.Exception(); } }
        public System.Collections.Generic.IEnumerable<string> Audiences { get { throw new System.Exception(); } }
        public System.Collections.Generic.IReadOnlyDictionary<string, string[]> Claims { get { throw new System.Exception(); } }
        public System.DateTime? ExpirationTime { get { throw new System.Exception(); } }
        public string Id { get { throw new System.Exception(); } }
        public System.DateTime? IssuedAt { get { throw new System.Exception(); } }
        public string Issuer { get { throw new System.Exception(); } }
        public System.DateTime? NotBefore { get { throw new System.Exception(); } }
        public string Subject { get { throw new System.Exception(); } }
        public string Type { get { throw new System.Exception(); } }
    }
    public enum ProductState
    {
        NotPublished = 0,
        Published = 1,
    }
    public class ProxyError
    {
        public int Elapsed { get { throw new System.Exception(); } }
        public int HttpErrorCode { get { throw new System.Exception(); } }
        public string Message { get { throw new System.Exception(); } }
        public string Path { get { throw new System.Exception(); } }
        public string PolicyId { get { throw new System.Exception(); } }
        public string Reason { get { throw new System.Exception(); } }
        public string Scope { get { throw new System.Exception(); } }
        public string Section { get { throw new System.Exception(); } }
        public string Source { get { throw new System.Exception(); } }
        public string ToString() { throw new System.Exception(); }
        public int TransportErrorCode { get { throw new System.Exception(); } }
    }
    public enum SoapVersionLiteral
    {
        Soap11 = 0,
        Soap12 = 1,
    }
    public struct SubscriptionKeyParameterNames
    {
        public string Header { get { throw new System.Exception(); } }
        public string Query { get { throw new System.Exception(); } }
    }
}
